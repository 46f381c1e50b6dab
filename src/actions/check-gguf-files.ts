/** What the GGUF files of a model must be: looked at by their heads, then tried one after another. */
import { Problem } from '../base/problem.ts';
import type { Model, ModelFile } from '../db/schema.ts';
import { type GgufFacts, readGgufHead, toGgufFacts } from '../engines/gguf-head.ts';
import { isAddon } from './check-model.ts';
import type { Context } from './context.ts';
import { type ModelDetails, readModelDetails } from './model-details.ts';
import type { WeightsFile } from './try-model.ts';

/** What the files tell. */
export interface GgufFindings {
  readonly warnings: readonly string[];
  readonly details: ModelDetails;
  /** By file what it is served in. */
  readonly precisions: ReadonlyMap<string, string>;
}

type ArrivedWeights = ModelFile & WeightsFile;

interface Weights {
  readonly file: ArrivedWeights;
  readonly facts: GgufFacts;
}

const NOTHING: GgufFindings = { warnings: [], details: {}, precisions: new Map() };
const TOOLS_IN_TEMPLATE = /\btools\b/;

/** Refuses files that our own engine could not run. Where there are none, another engine has to bring the model to life. */
export async function checkGgufFiles(context: Context, model: Model, files: readonly ModelFile[]): Promise<GgufFindings> {
  const weights: Weights[] = [];
  // One after another: a head can be large.
  for (const file of files) if (isWeights(file)) weights.push(await readWeights(context, file));
  const [first] = weights;
  if (first === undefined) return NOTHING;
  if (isAddon(model.kind)) return checkAdapter(context, model, weights);
  const precisions = checkTogether(weights);
  const warnings: string[] = [];
  // What is served was tried before.
  for (const { file } of weights.filter(({ file: { precision } }) => precision === null))
    warnings.push(...((await context.tryModel?.({ accountId: model.accountId, file })) ?? []));
  return { warnings, precisions, details: toDetails(model, first.facts) };
}

const isWeights = (file: ModelFile): file is ArrivedWeights => file.name.endsWith('.gguf') && file.objectKey !== null;

async function readWeights({ objects }: Context, file: ArrivedWeights): Promise<Weights> {
  const head = await readGgufHead((start, end) => objects.read(file.objectKey, { start, end })).catch((cause: unknown) => {
    throw cause instanceof RangeError ? noModel(file, cause.message) : cause;
  });
  if (head.endsAt !== undefined && head.endsAt > file.bytes)
    throw noModel(file, `it was cut off: it has ${file.bytes} of ${head.endsAt} bytes`);
  const facts = toGgufFacts(head);
  if (facts.splitInto > 1)
    throw noModel(file, `it is one of ${facts.splitInto} parts. Join them first: llama-gguf-split --merge`);
  if ([facts.architecture, facts.chatTemplate].some((text) => text?.includes('\0')))
    throw noModel(file, 'its head has a NUL character in a text');
  return { file, facts };
}

/** Several files are one model in several precisions. */
function checkTogether(weights: readonly Weights[]): ReadonlyMap<string, string> {
  const [first] = weights;
  const precisions = new Map<string, string>();
  for (const { file, facts } of weights) {
    if (facts.isAdapter) throw noModel(file, 'it is a LoRA adapter. Say which model it goes on: --base-model, or peftDetails');
    if (first !== undefined && facts.architecture !== first.facts.architecture)
      throw noModel(
        file,
        `it is of the architecture ${facts.architecture}, and ${first.file.name} of ${first.facts.architecture}`,
      );
    if ([...precisions.values()].includes(facts.precision))
      throw noModel(file, `another file is in ${facts.precision}, too. Keep one of each precision`);
    precisions.set(file.name, facts.precision);
  }
  return precisions;
}

async function checkAdapter(context: Context, model: Model, weights: readonly Weights[]): Promise<GgufFindings> {
  const [only, second] = weights;
  if (only === undefined) return NOTHING;
  if (second !== undefined) throw noModel(second.file, 'an addon is one file');
  if (!only.facts.isAdapter) throw noModel(only.file, 'it is a whole model and no LoRA adapter. Leave out what it goes on');
  const { peftDetails } = readModelDetails(model.details);
  const { accountId } = model;
  const warnings = (await context.tryModel?.({ accountId, file: only.file, baseModel: peftDetails?.baseModel })) ?? [];
  return { warnings, details: {}, precisions: new Map([[only.file.name, 'PRECISION_UNSPECIFIED']]) };
}

/** What the file says where its owner doesn't. */
function toDetails({ details }: Model, facts: GgufFacts): ModelDetails {
  const { contextLength, chatTemplate: template, parameters, architecture } = facts;
  const base = { parameterCount: parameters, modelType: architecture, ...readModelDetails(details).baseModelDetails };
  return {
    baseModelDetails: base,
    ...(contextLength !== undefined && contextLength < 2 ** 31 && { contextLength }),
    ...(template !== undefined && { conversationConfig: { style: 'jinja', template } }),
    ...(template !== undefined && TOOLS_IN_TEMPLATE.test(template) && { supportsTools: true }),
  };
}

const noModel = ({ name }: WeightsFile, why: string): Problem =>
  new Problem('INVALID_ARGUMENT', `${name} can't be run: ${why}.`, { reason: 'MODEL_FILE_INVALID', details: { file: name } });
