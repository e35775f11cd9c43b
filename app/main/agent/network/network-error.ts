/** Why a call did not leave this computer as it should; its message is for people and tells no secret. */
export class NetworkError extends Error {
  /** What others know it by, without importing it. */
  readonly code = 'ERR_LATCHKEY_NETWORK';
}
