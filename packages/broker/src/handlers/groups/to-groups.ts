import type { GroupApi, GroupRequests, GroupResponses } from '@ottla/groups';
import type { BrokerServices } from '../../services';
import type { HandlerRequest } from '../handler';

/** Takes a request to the coordinators on this broker. */
export function toGroups<A extends GroupApi>(
  api: A,
  { header, body, connection }: HandlerRequest<GroupRequests[A]>,
  services: BrokerServices,
): Promise<GroupResponses[A]> {
  return services.groups.handle(api, {
    version: header.apiVersion,
    clientId: header.clientId ?? '',
    clientHost: `/${connection.clientHost}`,
    body,
  });
}
