/** What the files of a model must be, by its kind: pure, over names and the few small files that say what the model is. */
import { Problem } from '../base/problem.ts';
import { checkTargetModules, isAddon } from './check-model.ts';
import { checkText } from './check-text.ts';
import type { ModelDetails } from './model-details.ts';

/** The files that say what a model is; large ones are never read. */
export const CONFIG_FILES = ['config.json', 'tokenizer_config.json', 'adapter_config.json', 'fireworks.json'] as const;
type ConfigFile = (typeof CONFIG_FILES)[number];

/** Content of configuration files by name; absent where there is no such file. */
export type Configs = Readonly<Partial<Record<ConfigFile, string>>>;

export interface ModelFiles {
  readonly kind: string;
  readonly names: readonly string[];
  readonly configs: Configs;
}

/** What the files tell. */
export interface Findings {
  readonly warnings: readonly string[];
  /** What its owner did not have to say. */
  readonly details: ModelDetails;
}

type Json = Readonly<Record<string, unknown>>;

const NO_RULES = ['FLUMINA_BASE_MODEL', 'FLUMINA_ADDON', 'FIRE_AGENT', 'SNAPSHOT_MODEL', 'LIVE_MERGE'];
const WEIGHTS = /\.(safetensors|bin|pt|pth)$/;
const ADAPTER_WEIGHTS = /^adapter_model\.(safetensors|bin)$/;
const RANKS = { least: 4, most: 64 };

/** Refuses files that no engine could load. */
export const checkModelFiles = ({ kind, names, configs }: ModelFiles): Findings => {
  if (NO_RULES.includes(kind)) return { warnings: [], details: {} };
  // They say themselves what they are.
  if (names.some((name) => name.endsWith('.gguf'))) return { warnings: [], details: {} };
  if (isAddon(kind)) return checkAdapter(names, configs);
  if (configs['config.json'] === undefined) throw missing('config.json');
  if (!names.some((name) => WEIGHTS.test(name))) throw missing('weights (*.safetensors, *.bin or *.gguf)');
  return checkConfigs(configs);
};

/** The part that needs no weights. */
export const checkConfigs = (configs: Configs): Findings => {
  const config = parseJson('config.json', configs['config.json'] ?? '{}');
  if (config['quantization_config'] !== undefined)
    throw wrong('config.json has a quantization_config: upload the model as it was before it was quantized');
  const tokenizer = parseJson('tokenizer_config.json', configs['tokenizer_config.json'] ?? '{}');
  const template = tokenizer['chat_template'];
  const isChat = typeof template === 'string' && template !== '';
  const [modelType, contextLength] = [config['model_type'], config['max_position_embeddings']];
  const isLength = typeof contextLength === 'number' && Number.isInteger(contextLength) && contextLength > 0;
  return {
    warnings: [
      ...(typeof modelType === 'string' ? [] : ['config.json has no model_type: engines may not know what it is']),
      ...(isChat ? [] : ['tokenizer_config.json has no chat_template: the model can complete text, not chat']),
    ],
    details: {
      ...(isLength && contextLength < 2 ** 31 && { contextLength }),
      ...(isChat && { conversationConfig: { style: 'jinja', template } }),
    },
  };
};

const checkAdapter = (names: readonly string[], configs: Configs): Findings => {
  const text = configs['adapter_config.json'];
  if (text === undefined) throw missing('adapter_config.json');
  if (!names.some((name) => ADAPTER_WEIGHTS.test(name))) throw missing('adapter_model.safetensors or adapter_model.bin');
  const config = parseJson('adapter_config.json', text);
  checkRank(config['r']);
  const modules = config['target_modules'];
  if (!Array.isArray(modules) || modules.length === 0 || !modules.every((name) => typeof name === 'string'))
    throw wrong('adapter_config.json must have target_modules, an array of names');
  checkTargetModules({ targetModules: modules }, 'target_modules in adapter_config.json');
  return { warnings: [], details: readChatTemplate(configs['fireworks.json']) };
};

const checkRank = (rank: unknown): void => {
  const isRank = typeof rank === 'number' && Number.isInteger(rank) && rank >= RANKS.least && rank <= RANKS.most;
  if (!isRank) throw wrong(`adapter_config.json must have r, a whole number from ${RANKS.least} to ${RANKS.most}`);
};

/** `fireworks.json` may bring a chat template of the adapter's own. */
const readChatTemplate = (text: string | undefined): ModelDetails => {
  if (text === undefined) return {};
  const conversation = toJson(parseJson('fireworks.json', text)['conversation_config']);
  const template = toJson(conversation['args'])['template'];
  if (conversation['style'] !== 'jinja' || typeof template !== 'string') return {};
  return { conversationConfig: { style: 'jinja', template } };
};

const parseJson = (name: string, text: string): Json => {
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${name} is no JSON object`);
  checkText(value);
  return value as Json; // An object has string keys.
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const toJson = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});

const missing = (what: string): Problem =>
  new Problem('FAILED_PRECONDITION', `The model has no ${what}. Upload it, then ask again.`, {
    reason: 'MODEL_FILES_INCOMPLETE',
    details: { missing: what },
  });

const wrong = (what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${what}. Correct the file.`, { reason: 'INVALID_MODEL_CONFIG' });
