export class Writer {}
