export class Reader {}
