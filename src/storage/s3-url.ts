/** Where an S3 store is, out of its URL: `s3://bucket/folder?endpoint=https://host:9000&region=eu-1`. */
import { Problem } from '../base/problem.ts';

export interface S3Place {
  readonly bucket: string;
  /** Stands before every key; empty, or ends in a slash. */
  readonly prefix: string;
  /** Absent for Amazon's own. */
  readonly endpoint?: string;
  /** Default `us-east-1`, which most other servers take for theirs. */
  readonly region: string;
}

const PARAMETERS: ReadonlySet<string> = new Set(['endpoint', 'region']);

/** Reads the URL. Keys never stand in it: they come from the environment, as all S3 tools find them. */
export function readS3Url(url: string): S3Place {
  const parsed = URL.parse(url);
  if (parsed?.protocol !== 's3:' || parsed.host === '') throw unknownUrl('it is not of that form');
  if (parsed.username !== '' || parsed.password !== '')
    throw unknownUrl('it holds a key; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead');
  const unknown = [...parsed.searchParams.keys()].find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) throw unknownUrl(`it has a parameter "${unknown}"`);
  const endpoint = parsed.searchParams.get('endpoint');
  if (endpoint !== null && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ''))
    throw unknownUrl('its endpoint is no http(s) address');
  const folder = decodeURIComponent(parsed.pathname).replace(/^\/+|\/+$/g, '');
  return {
    bucket: parsed.host,
    prefix: folder === '' ? '' : `${folder}/`,
    region: parsed.searchParams.get('region') ?? 'us-east-1',
    ...(endpoint !== null && { endpoint }),
  };
}

const unknownUrl = (why: string): Problem =>
  new Problem('INVALID_ARGUMENT', `An S3 store is named s3://bucket/folder?endpoint=…&region=…, but ${why}.`, {
    reason: 'STORE_URL_UNKNOWN',
  });
