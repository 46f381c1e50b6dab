/** What `GET /v1/models` says, in the dialects of vLLM, SGLang, llama-server, LM Studio, Groq, OpenRouter and others. */
import type { EngineModel } from './engine.ts';

/** A model as listed, and whether llama-server lists it: then `/props` knows more. */
export interface ListedModel extends EngineModel {
  readonly fromLlamaServer: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** Where engines say how many tokens a model takes, the most binding first. */
const CONTEXT_FIELDS = ['max_model_len', 'context_length', 'context_window', 'max_context_length'];

/** Reads the list; undefined when the bytes are not one. */
export function readModelList(body: Buffer): readonly ListedModel[] | undefined {
  const { data } = readJsonObject(body);
  if (!Array.isArray(data)) return undefined;
  return data.map(toFields).flatMap((model) => (typeof model['id'] === 'string' ? [toModel(model['id'], model)] : []));
}

/** What llama-server's `/props` adds: how many requests it works on at once, and the tokens that each of them may hold. */
export function readProps(body: Buffer): { readonly slots: number | undefined; readonly contextLength: number | undefined } {
  const props = readJsonObject(body);
  return {
    slots: toSlots(toCount(props['total_slots'])),
    contextLength: toCount(toFields(props['default_generation_settings'])['n_ctx']),
  };
}

/** No engine has more; what says so is not believed. */
const MOST_SLOTS = 1_000_000;
const toSlots = (count: number | undefined): number | undefined => (Number(count) <= MOST_SLOTS ? count : undefined);

function toModel(id: string, model: Fields): ListedModel {
  const meta = toFields(model['meta']);
  const said = [...CONTEXT_FIELDS.map((name) => model[name]), meta['n_ctx'], meta['n_ctx_train']];
  const contextLength = said.map(toCount).find((count) => count !== undefined);
  const fromLlamaServer = model['owned_by'] === 'llamacpp';
  return { id, fromLlamaServer, ...(contextLength === undefined ? {} : { contextLength }) };
}

/** A whole number above 0; undefined for all else. */
export const toCount = (value: unknown): number | undefined =>
  Number.isInteger(value) && Number(value) > 0 ? Number(value) : undefined;

/** What is no object has no fields. */
export const toFields = (value: unknown): Fields => (typeof value === 'object' && value !== null ? { ...value } : {});

/** What is no JSON object has no fields. */
export function readJsonObject(body: Buffer): Fields {
  try {
    return toFields(JSON.parse(body.toString()));
  } catch {
    return {};
  }
}
