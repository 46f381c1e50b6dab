/** Where an OpenAI-compatible endpoint is, as people write it. */
import { Problem } from '../base/problem.ts';

export interface EngineUrl {
  /** Scheme, host and port. */
  readonly origin: string;
  /** For people: without credentials. */
  readonly name: string;
  /** `user:password`, when the URL has them. */
  readonly credentials: string | undefined;
  /** The full path of an API path that begins with `/v1/`. */
  toPath(apiPath: string): string;
  /** The full path of something beside the API, as llama-server's `/props`. */
  toPathBeside(path: string): string;
}

/** `v1`, `v1beta`, `v4`: an address that has one says where its API begins. */
const VERSION = /\/v\d+[a-z]*\d*(?:\/|$)/;

/** Reads a base URL with or without its `/v1`. */
export function readEngineUrl(baseUrl: string): EngineUrl {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw refuse(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  const base = VERSION.test(path) ? path : `${path}/v1`;
  const { origin, search } = url;
  return {
    origin,
    name: origin + base,
    credentials: url.username === '' ? undefined : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`,
    toPath: (apiPath) => base + apiPath.slice('/v1'.length) + search,
    toPathBeside: (besidePath) => base.replace(/\/v1$/, '') + besidePath,
  };
}

const refuse = (baseUrl: string): Problem =>
  new Problem(
    'INVALID_ARGUMENT',
    `An engine's address is an http or https URL such as http://127.0.0.1:8000/v1, but "${withoutCredentials(baseUrl)}" came. Correct the address.`,
    { reason: 'ENGINE_URL_INVALID' },
  );

const withoutCredentials = (text: string): string => text.replace(/\/\/[^/@]*@/, '//');
