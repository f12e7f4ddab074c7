/**
 * The ten stages of the pipeline, in order. This table is the only place that lists them: API, page, CLI and runner
 * read it from here. A team with other stages replaces this table and the functions bound to it, and nothing else.
 */

/** Where the work of a stage is done: in the pipeline's own process, or in an engine reached over HTTP. */
export type StageKind = "pipeline" | "engine";

/** What the `fileName` of its events names: a recording, a CSV file of the batch, or a trade. */
export type StageUnit = "recording" | "table" | "trade";

export interface StageDefinition {
  /** Key in `batchExecutionLog.stage`, in URLs and in file names. */
  readonly name: string;
  readonly label: string;
  readonly description: string;
  /** Name of the pictogram that the page draws for the stage. */
  readonly icon: string;
  readonly kind: StageKind;
  readonly unit: StageUnit;
}

export const STAGES = [
  {
    name: "file_distribution",
    label: "File distribution",
    description: "Upload each recording to the GPU host that will process it",
    icon: "upload",
    kind: "pipeline",
    unit: "recording",
  },
  {
    name: "callmetadata",
    label: "Call metadata",
    description: "Read and validate the calls CSV",
    icon: "phone",
    kind: "pipeline",
    unit: "table",
  },
  {
    name: "trademetadata",
    label: "Trade metadata",
    description: "Read and validate the trades CSV",
    icon: "receipt",
    kind: "pipeline",
    unit: "table",
  },
  {
    name: "denoise",
    label: "Denoise",
    description: "Remove noise from the audio",
    icon: "waves",
    kind: "engine",
    unit: "recording",
  },
  {
    name: "ivr",
    label: "IVR",
    description: "Find ring tone, key presses, prompts and hold music; trim to the conversation",
    icon: "dialpad",
    kind: "engine",
    unit: "recording",
  },
  {
    name: "lid",
    label: "Language",
    description: "Identify the language spoken",
    icon: "globe",
    kind: "engine",
    unit: "recording",
  },
  {
    name: "triaging",
    label: "Triaging",
    description: "Map every trade to the calls that may order it",
    icon: "split",
    kind: "pipeline",
    unit: "trade",
  },
  {
    name: "stt",
    label: "Speech to text",
    description: "Transcribe the conversation",
    icon: "transcript",
    kind: "engine",
    unit: "recording",
  },
  {
    name: "llm1",
    label: "Trade extraction",
    description: "Extract the trades spoken of in the transcript",
    icon: "extract",
    kind: "engine",
    unit: "recording",
  },
  {
    name: "llm2",
    label: "Audit questions",
    description: "Answer the audit questions, each with its evidence",
    icon: "checklist",
    kind: "engine",
    unit: "recording",
  },
] as const satisfies readonly StageDefinition[];

export type StageName = (typeof STAGES)[number]["name"];

/**
 * What the pipeline does between stages. Steps log, time and fail like stages, under their own name in
 * `batchExecutionLog.stage`; they are not stages of the table above.
 */
export const STEPS = [
  {
    name: "calls",
    label: "Calls",
    description: "Insert the calls with what was found out about their audio",
    icon: "phone",
    kind: "pipeline",
    unit: "table",
    after: "lid",
  },
  {
    name: "verdicts",
    label: "Verdicts",
    description: "Judge every trade by what was said in its calls",
    icon: "checklist",
    kind: "pipeline",
    unit: "trade",
    after: "llm2",
  },
] as const satisfies readonly (StageDefinition & { readonly after: StageName })[];

export type StepName = (typeof STEPS)[number]["name"];

/** Whatever the pipeline logs work under: a stage or a step. */
export type WorkName = StageName | StepName;

const NAMES: ReadonlySet<string> = new Set(STAGES.map((stage) => stage.name));

/** True when `name` is one of {@link STAGES}. Rows of other writers may name any stage. */
export function isStageName(name: string): name is StageName {
  return NAMES.has(name);
}

const STEP_NAMES: ReadonlySet<string> = new Set(STEPS.map((step) => step.name));

/** What proves a trade: such responses are stored whole, and stay as long as their events. */
export const EVIDENCE = ["triaging", "verdicts"] as const satisfies readonly WorkName[];

/** What the views show: the stages, then the steps. */
export const WORK: readonly (StageDefinition & { readonly name: WorkName })[] = [...STAGES, ...STEPS];

/** True when `name` is one of {@link STEPS}. */
export function isStepName(name: string): name is StepName {
  return STEP_NAMES.has(name);
}
