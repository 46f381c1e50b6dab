/** What must hold of a model whatever its files are. Lenient where the documented API is. */
import type { z } from 'zod';
import { Problem } from '../base/problem.ts';
import type { ModelInput, ModelKind, PeftDetails } from '../contract/model.ts';

const ADDONS: readonly ModelKind[] = ['HF_PEFT_ADDON', 'HF_TEFT_ADDON', 'FLUMINA_ADDON', 'DRAFT_ADDON'];
const NEEDS_PEFT: readonly ModelKind[] = ['HF_PEFT_ADDON', 'HF_TEFT_ADDON'];

/** Modules that an adapter may change. */
const TARGET_MODULES: readonly string[] = [
  ...['q_proj', 'k_proj', 'v_proj', 'o_proj', 'up_proj', 'w1', 'down_proj', 'w2', 'gate_proj', 'w3'],
  'block_sparse_moe.gate',
];

/** True for a model that adds to another one. */
export const isAddon = (kind: string): boolean => ADDONS.some((addon) => addon === kind);

/** Refuses details that don't go with the kind, or with each other. */
export const checkModel = (kind: ModelKind, model: ModelInput): void => {
  checkKindDetails(kind, model);
  const { peftDetails: peft, conversationConfig: chat } = model;
  if (peft !== undefined) checkTargetModules(peft, 'peftDetails.targetModules');
  if (model.defaultDraftModel && !model.defaultDraftTokenCount)
    throw misfit('defaultDraftTokenCount', 'is required with defaultDraftModel');
  if (chat?.style === 'jinja' && !chat.template) throw misfit('conversationConfig.template', 'is required for the style "jinja"');
};

const checkKindDetails = (
  kind: ModelKind,
  { baseModelDetails: base, peftDetails: peft, teftDetails: teft }: ModelInput,
): void => {
  if (base !== undefined && isAddon(kind)) throw misfit('baseModelDetails', `is not for the kind ${kind}`);
  if (base === undefined && kind === 'HF_BASE_MODEL') throw misfit('baseModelDetails', `is required for the kind ${kind}`);
  if (base?.huggingfaceFiles?.length && base.checkpointFormat !== 'HUGGINGFACE')
    throw misfit('baseModelDetails.huggingfaceFiles', 'goes with the checkpointFormat HUGGINGFACE only');
  if (peft !== undefined && !isAddon(kind)) throw misfit('peftDetails', `is not for the kind ${kind}`);
  if (peft === undefined && NEEDS_PEFT.includes(kind)) throw misfit('peftDetails', `is required for the kind ${kind}`);
  if ((teft === undefined) === (kind === 'HF_TEFT_ADDON'))
    throw misfit('teftDetails', 'goes with the kind HF_TEFT_ADDON, and that with it');
};

/** Refuses modules that no engine lets an adapter change. */
export const checkTargetModules = (
  { targetModules }: Pick<z.output<typeof PeftDetails>, 'targetModules'>,
  field: string,
): void => {
  const odd = targetModules.find((name) => !TARGET_MODULES.includes(name));
  if (odd !== undefined) throw misfit(field, `has "${odd.slice(0, 100)}", expected some of ${TARGET_MODULES.join(', ')}`);
};

const misfit = (field: string, what: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${field} ${what}.`, { reason: 'INVALID_MODEL', details: { field } });
