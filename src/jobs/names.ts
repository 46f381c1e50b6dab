/** Names of row and body fields as bytes, to compare with keys that are never decoded. */

export const CUSTOM_ID = Buffer.from('custom_id');
export const BODY = Buffer.from('body');
export const METHOD = Buffer.from('method');
export const URL = Buffer.from('url');

export const MODEL = Buffer.from('model');
export const MESSAGES = Buffer.from('messages');
export const PROMPT_TOKEN_IDS = Buffer.from('prompt_token_ids');
export const PROMPT = Buffer.from('prompt');
export const INPUT = Buffer.from('input');
export const TOOLS = Buffer.from('tools');
export const STREAM = Buffer.from('stream');
export const STREAM_OPTIONS = Buffer.from('stream_options');
/** One idea in three dialects. */
export const MAX_TOKENS = Buffer.from('max_tokens');
export const MAX_COMPLETION_TOKENS = Buffer.from('max_completion_tokens');
export const MAX_OUTPUT_TOKENS = Buffer.from('max_output_tokens');

export const ROLE = Buffer.from('role');
export const CONTENT = Buffer.from('content');
export const TOOL_CALLS = Buffer.from('tool_calls');
export const FUNCTION_CALL = Buffer.from('function_call');
export const REASONING_CONTENT = Buffer.from('reasoning_content');
