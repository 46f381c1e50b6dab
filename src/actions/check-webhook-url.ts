import { isIP } from 'node:net';
import { Problem } from '../base/problem.ts';
import { isPublicAddress } from '../base/public-address.ts';

/** A URL as it is stored. What can be refused is refused now; where a name leads to is seen at every delivery. */
export function checkWebhookUrl(text: string, { privateWebhooks }: { readonly privateWebhooks: boolean }): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw badUrl('should be an http or https URL');
  if (url.username !== '' || url.password !== '')
    throw badUrl('must not have a user name or a password in it: check signatures instead');
  if (!privateWebhooks && isPrivateHost(url.hostname))
    throw badUrl(`leads to a private address, ${url.hostname}, which this server does not call`);
  url.hash = '';
  return url.href;
}

/** `URL` has written numbers of all kinds as addresses already: `http://2130706433` is `http://127.0.0.1`. */
const isPrivateHost = (hostname: string): boolean => {
  const host = hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  return isIP(host) === 0 ? /(?:^|\.)localhost$/.test(host) : !isPublicAddress(host);
};

const badUrl = (what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `url ${what}.`, { reason: 'WEBHOOK_URL_INVALID', details: { field: 'url' } });
