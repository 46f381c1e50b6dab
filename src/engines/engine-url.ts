/** Where an OpenAI-compatible endpoint is, as people write it. */
import { Problem } from '../base/problem.ts';
import { isMetadataAddress } from '../base/public-address.ts';

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

/** Parameters that an address of an engine may have; others may be secrets, and addresses are shown. */
const HARMLESS_PARAMETERS: ReadonlySet<string> = new Set(['api-version']);

/** An address as it may be kept and shown: without secrets, and leading to no service that gives out those of this machine. */
export function toSharedUrl(text: string): string {
  const { origin, credentials, name } = readEngineUrl(text);
  const { hostname, searchParams, search } = new URL(text);
  if (credentials !== undefined) throw badUrl('has a user name or a password in it: give a key in its own field');
  const odd = [...searchParams.keys()].find((key) => !HARMLESS_PARAMETERS.has(key));
  if (odd !== undefined)
    throw badUrl(`has the parameter "${odd.slice(0, 50)}", and may have ${[...HARMLESS_PARAMETERS].join(', ')} only`);
  if (isMetadataAddress(hostname.replace(/^\[|\]$/g, ''))) throw refuseMetadata(origin);
  return name + search;
}

/** The refusal of an address, or of a name that leads to one, where a machine asks for its own secrets. */
export const refuseMetadata = (where: string): Problem =>
  badUrl(`leads to ${where}, where a machine asks for its own secrets: no engine is there`);

const badUrl = (what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `url ${what}.`, { reason: 'ENGINE_URL_INVALID', details: { field: 'url' } });
