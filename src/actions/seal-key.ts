/**
 * Keys of engines at rest. AES-256-GCM under a key that is made from the server's own secret, which is not in the database; bound to the engine, so
 * that a sealed key is of no use in another row.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Engine } from '../db/schema.ts';

type Owner = Pick<Engine, 'accountId' | 'id'>;

const VERSION = 'v1';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Seals a key: `v1.` and base64url of nonce, text and tag. */
export function sealKey(secret: Uint8Array, owner: Owner, key: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret), nonce).setAAD(toBinding(owner));
  const sealed = Buffer.concat([nonce, cipher.update(key, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${VERSION}.${sealed.toString('base64url')}`;
}

/** The key; undefined when it was sealed under another secret or for another engine. */
export function openSealedKey(secret: Uint8Array, owner: Owner, sealed: string): string | undefined {
  const [version, text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret), bytes.subarray(0, NONCE_BYTES))
    .setAAD(toBinding(owner))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

const sealingKey = (secret: Uint8Array): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, '', 'boatload engine keys', 32));

const toBinding = ({ accountId, id }: Owner): Buffer => Buffer.from(JSON.stringify(['engine', accountId, id]));
