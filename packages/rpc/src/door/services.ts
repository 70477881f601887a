import { doorDescriptor } from '../generated/door-descriptor';
import { Codecs } from '../wire/codec';
import { serviceDefinition } from '../wire/service';

const codecs = new Codecs(doorDescriptor);

export const brokerService = serviceDefinition(doorDescriptor, codecs, 'ottla.v1.Broker');
export const adminService = serviceDefinition(doorDescriptor, codecs, 'ottla.v1.Admin');
