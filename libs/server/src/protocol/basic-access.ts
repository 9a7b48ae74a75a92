/**
 * Access with basic authentication, as EventStoreDB has it: the users `admin` and `ops` share the administrator's password and
 * may operate; `$acl` of a stream says who may read, write and delete it; system streams are the administrators' unless
 * their `$acl` says otherwise. `$all` (a role) is everybody, `$admins` are admin and ops.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { AccessDenied, NotAuthenticated } from '../errors.js';
import type { EventDatabase } from '../storage/event-database.js';
import { isMetadataStream, type StreamAcl } from '../streams/stream-metadata.js';
import type { Access, StreamAction } from './access.js';
import type { GrpcCall } from './grpc-call.js';

const ADMINISTRATORS = ['admin', 'ops'];
const EVERYBODY = '$all';
const ADMINS = '$admins';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export class BasicAccess implements Access {
  private readonly password: Buffer;
  /** The last accepted header, so that not every call is hashed again. */
  private accepted: { readonly header: string; readonly user: string } | undefined;

  constructor(
    private readonly database: EventDatabase,
    password: string,
  ) {
    this.password = digest(password);
  }

  check(call: GrpcCall, stream: string, action: StreamAction): void {
    const user = this.authenticate(call);
    if (user !== undefined) return; // both known users are administrators
    const owner = isMetadataStream(stream) ? stream.slice(2) : stream;
    const acl = this.database.metadataOf(this.database.entry(owner), owner).acl;
    const roles = rolesFor(acl, action, isMetadataStream(stream)) ?? (stream.startsWith('$') ? [ADMINS] : [EVERYBODY]);
    if (!roles.includes(EVERYBODY)) throw new AccessDenied(`stream '${stream}'`);
  }

  checkOperator(call: GrpcCall): void {
    if (this.authenticate(call) === undefined) throw new AccessDenied('this operation');
  }

  userOf(call: GrpcCall): string {
    return this.authenticate(call) ?? 'anonymous';
  }

  /** The user, undefined for an anonymous caller. @throws NotAuthenticated for wrong credentials */
  private authenticate(call: GrpcCall): string | undefined {
    const header = call.headers.authorization;
    if (header === undefined) return undefined;
    if (this.accepted?.header === header) return this.accepted.user;
    const [scheme, encoded] = header.split(' ');
    if (scheme?.toLowerCase() !== 'basic' || encoded === undefined) throw new NotAuthenticated();
    const text = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    const user = text.slice(0, colon);
    const matches = timingSafeEqual(digest(text.slice(colon + 1)), this.password);
    if (!matches || !ADMINISTRATORS.includes(user)) throw new NotAuthenticated();
    this.accepted = { header, user };
    return user;
  }
}

function rolesFor(acl: StreamAcl | undefined, action: StreamAction, metadata: boolean): readonly string[] | undefined {
  if (metadata) return action === 'read' ? acl?.metaRead : acl?.metaWrite;
  return acl?.[action];
}
