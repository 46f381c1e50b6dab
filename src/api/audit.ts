/** Who changed what: every call that changes something leaves an entry, refused ones too. */
import type { Context } from 'hono';
import type { KeyCaller } from '../actions/context.ts';
import { Problem } from '../base/problem.ts';
import { isOwnAccountAlias } from '../contract/names.ts';
import { addAuditEntry } from '../db/queries/add-audit-entry.ts';
import type { ApiContext, ApiEnv } from './api-context.ts';

/** A call that is to be noted. */
export interface AuditedCall {
  readonly context: ApiContext;
  readonly caller: KeyCaller;
  readonly http: Context<ApiEnv>;
  /** Its name in the document. */
  readonly operation: string;
  /** True for what only admins may do. */
  readonly adminAction: boolean;
}

/** Longest text that the log keeps of what a client wrote. */
const MOST_CHARACTERS = 500;

/** Runs a call and notes how it went. What can't be noted goes to the server's log; the call is not undone. */
export async function audited<Reply>(call: AuditedCall, run: () => Promise<Reply>): Promise<Reply> {
  try {
    const reply = await run();
    await note(call, { resource: call.http.get('subject') ?? nameIn(reply), statusCode: 'OK', message: '' });
    return reply;
  } catch (cause) {
    const { code, message } =
      cause instanceof Problem ? cause : { code: 'INTERNAL', message: 'Something went wrong in the server.' };
    await note(call, { statusCode: code, message });
    throw cause;
  }
}

interface Ending {
  /** Absent: what the path names. */
  readonly resource?: string | undefined;
  readonly statusCode: string;
  readonly message: string;
}

async function note({ context, caller, http, operation, adminAction }: AuditedCall, ending: Ending): Promise<void> {
  const entry = {
    accountId: caller.accountId,
    at: context.clock.now(),
    principal: caller.name,
    email: caller.email,
    apiKeyId: caller.keyId,
    method: operation,
    resource: kept(ending.resource ?? toResource(http, caller)),
    statusCode: ending.statusCode,
    message: kept(ending.message),
    adminAction,
    userAgent: kept(http.req.header('user-agent') ?? ''),
    clientIp: addressOf(http),
  };
  await addAuditEntry(context.store.db, entry).catch((cause: unknown) =>
    context.log.error({ cause, operation, requestId: http.get('requestId') }, 'audit entry not written'),
  );
}

/** What was made has a name that the path doesn't have yet. */
const nameIn = (reply: unknown): string | undefined =>
  typeof reply === 'object' && reply !== null && 'name' in reply && typeof reply.name === 'string' ? reply.name : undefined;

/** `/v1/accounts/-/datasets/in:upload` is about `accounts/acme/datasets/in`. */
const toResource = (http: Context<ApiEnv>, { accountId }: KeyCaller): string => {
  const [, account = '', rest = ''] =
    /^\/v1\/accounts\/([^/]+)\/?(.*?)(?::[A-Za-z]+)?$/.exec(new URL(http.req.url).pathname) ?? [];
  if (account === '') return `accounts/${accountId}`;
  return ['accounts', isOwnAccountAlias(account) ? accountId : account, rest].filter(Boolean).join('/');
};

const kept = (text: string): string => text.slice(0, MOST_CHARACTERS).replaceAll('\0', '').toWellFormed();

/** Only a server that listens knows it. */
const addressOf = ({ env }: Context<ApiEnv>): string => {
  const { incoming } = (env ?? {}) as { readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress ?? '';
};
