/** Who may do what. */
import type { GrpcCall } from './grpc-call.js';

export type StreamAction = 'read' | 'write' | 'delete';

export interface Access {
  /** Throws NotAuthenticated or AccessDenied when the caller may not. */
  check(call: GrpcCall, stream: string, action: StreamAction): void;
  /** For operations, and for managing persistent subscriptions. */
  checkOperator(call: GrpcCall): void;
  /** The caller's name, as told to others. */
  userOf(call: GrpcCall): string;
}

/** Without TLS and a password, the server listens on loopback only and everybody there may do everything. */
export const OPEN_ACCESS: Access = { check: () => undefined, checkOperator: () => undefined, userOf: () => 'system' };
