/** The published clients, both versions, against a door of ours over real HTTP. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import OpenAI from 'openai';
import OpenAI6 from 'openai-6';

interface Door {
  readonly app: { readonly fetch: Parameters<typeof serve>[0]['fetch'] };
  readonly keys: { readonly acme: string };
}

/** What the tests call: the same in both versions, so one type will do. */
export type Client = OpenAI;

/** Listens, and points a client of each version at the address. Under another prefix each, which are all the same. */
export async function openClients({ app, keys }: Door) {
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { apiKey: keys.acme, logLevel: 'off' } as const;
  const client6: unknown = new OpenAI6({ ...options, baseURL: `${url}/openai/v1` });
  const clients = { 7: new OpenAI({ ...options, baseURL: `${url}/v1` }), 6: client6 as Client };
  const close = async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return { url, clients, close };
}
