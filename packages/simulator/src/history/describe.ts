import type { HistoryEvent } from './events';

/** One line for people, and for the digest of a run. */
export function describeEvent(event: HistoryEvent): string {
  return `${event.client} ${event.type} ${facts(event)}`;
}

function facts(event: HistoryEvent): string {
  switch (event.type) {
    case 'produce-sent': {
      const { batch, broker, acks, producerId, baseSequence, values } = event;
      const sequence = producerId < 0 ? '' : ` id ${producerId} sequence ${baseSequence}`;
      return `${place(event)} #${batch} x${values.length} to b${broker} acks ${acks}${sequence} "${values[0]!.slice(0, 70)}"`;
    }
    case 'produce-acked':
      return `${place(event)} #${event.batch} by b${event.broker} acks ${event.acks} at offset ${event.baseOffset}`;
    case 'produce-refused':
      return `${place(event)} #${event.batch} by b${event.broker}: ${event.error}${event.oldest ? '' : ' (not the oldest)'}`;
    case 'records-read': {
      const { broker, fetchOffset, leaderEpoch, highWatermark, logStart, records } = event;
      return `${place(event)} from b${broker} epoch ${leaderEpoch}: ${fetchOffset} +${records.length}, HW ${highWatermark}, start ${logStart}`;
    }
    case 'position-lost':
      return `${place(event)} ${event.position} ${event.how} on b${event.broker}: ${event.logStart} to ${event.end}`;
    case 'corrupt-read':
      return `${place(event)} ${event.offset} on b${event.broker}`;
    case 'offset-told':
      return `${place(event)} ${event.which} ${event.offset} by b${event.broker} epoch ${event.leaderEpoch}`;
    case 'group-joined':
      return `${event.group} ${event.member} generation ${event.generation} by b${event.broker}`;
    case 'generation-synced':
      return `${event.group} ${event.member} generation ${event.generation}`;
    case 'commit-sent':
      return `${event.group} ${event.topic}-${event.partition} ${event.offset} as ${event.commit}, generation ${event.generation}`;
    case 'commit-acked':
      return `${event.group} ${event.commit} by b${event.broker}`;
    case 'commit-refused':
      return `${event.group} ${event.commit}: ${event.error}`;
    case 'committed-told':
      return `${event.group} ${event.topic}-${event.partition} ${event.offset} ${event.commit} by b${event.broker}`;
    case 'producer-id-issued':
      return `${event.producerId} epoch ${event.producerEpoch}`;
    case 'admin-answered':
      return `${event.request}: ${event.error}`;
    case 'delete-records-sent':
      return `${place(event)} before ${event.before}`;
    case 'read-back':
      return `${place(event)} ${event.from} to ${event.to}`;
  }
}

function place({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`;
}
