/** A model answered, and its answer cannot be used. */
import type { JsonText } from "@cofi/event-log/json-text";
import { EngineError } from "./engine-error.js";

/** Another attempt may give a better answer, if the question says why this one was refused. */
export class AnswerRefused extends EngineError {
  /** The reason, as sentences for the model. They may repeat words of a call, so that they stand in no message. */
  readonly forModel: string;

  constructor(message: string, { type, response, forModel }: { type: string; response: JsonText; forModel: string }) {
    super(message, { status: 200, type, fault: "answer", response });
    this.forModel = forModel;
  }
}
