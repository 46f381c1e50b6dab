/** Signing secrets of webhooks. They are stored nowhere: each is made from a salt and the server's own secret, which is not in the database. */
import { hkdfSync } from 'node:crypto';

/** What a secret is made from. */
export interface SecretSource {
  readonly accountId: string;
  readonly id: string;
  readonly salt: string;
}

const PREFIX = 'whsec_';
const BYTES = 32;

/** The secret as its owner gets it: `whsec_` and base64, as standardwebhooks.com says. Another salt makes another secret. */
export const makeWebhookSecret = (serverSecret: Uint8Array, { accountId, id, salt }: SecretSource): string =>
  PREFIX +
  Buffer.from(hkdfSync('sha256', serverSecret, salt, JSON.stringify(['webhook', accountId, id]), BYTES)).toString('base64');
