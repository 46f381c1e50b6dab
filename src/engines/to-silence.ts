/** A lost connection in words. */
import type { EngineSilence } from './engine.ts';

interface Loss {
  /** Said in messages: which engine this is. */
  readonly name: string;
  readonly connectMs: number;
  /** How far the request had come. */
  readonly phase: 'connecting' | 'waiting' | 'answering';
}

/** What an error of the HTTP client means for the request that it ended. */
export function toSilence(error: Error, { name, connectMs, phase }: Loss): EngineSilence {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    const message = `${name} could not be reached within ${connectMs / 1000} s.`;
    return { kind: 'silence', cause: 'connect-timeout', message };
  }
  if (phase === 'connecting') {
    return { kind: 'silence', cause: 'connection', message: `${name} could not be reached: ${toWords(code, error)}.` };
  }
  const when = phase === 'answering' ? 'in the middle of its answer' : 'before it answered';
  return { kind: 'silence', cause: 'cut-off', message: `${name} closed the connection ${when}: ${toWords(code, error)}.` };
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  UND_ERR_SOCKET: 'the other side closed the connection',
  UND_ERR_DESTROYED: 'it was closed on our side',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; let NODE_EXTRA_CA_CERTS name a file that holds it',
};

const toWords = (code: string, error: Error): string => WORDS[code] ?? (error.message.replace(/\.$/, '') || code || error.name);
