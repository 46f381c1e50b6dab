import { readS3Url } from './s3-url.ts';

const PATIENCE_MS = 5_000;

/** How far an S3 server's clock is ahead of ours, within a second; undefined where it does not say. Signatures of another time are refused. */
export async function readS3ClockAhead(url: string): Promise<number | undefined> {
  const { endpoint, region } = readS3Url(url);
  const address = endpoint ?? `https://s3.${region}.amazonaws.com`;
  const reply = await fetch(address, { method: 'HEAD', signal: AbortSignal.timeout(PATIENCE_MS) }).catch(() => undefined);
  const date = Date.parse(reply?.headers.get('date') ?? '');
  return Number.isNaN(date) ? undefined : date - Date.now();
}
