/** The shapes that a dataset's rows can have. The first row decides for the whole file. */

/** `{custom_id, body}`, `{custom_id, method, url, body}`, or a request body alone. */
export type RowFormat = 'fireworks' | 'openai' | 'bare';

/** How each shape is written, for messages. */
export const ROW_SHAPES: Readonly<Record<RowFormat, string>> = {
  fireworks: '{"custom_id": …, "body": …}',
  openai: '{"custom_id": …, "method": "POST", "url": …, "body": …}',
  bare: '{"messages": …}',
};

/** Where a row goes when it doesn't say. */
export const DEFAULT_PATH = '/v1/chat/completions';

/** What a row's `url` may be. */
export const ROW_PATHS: readonly string[] = [DEFAULT_PATH, '/v1/completions', '/v1/embeddings', '/v1/responses'];

/** The id of a row that came without one, as a JSON string token. Counts from 1. */
export const bareRowId = (row: number): string => `"row-${row + 1}"`;
