/** What is said where contents are masked, and the way to see them. */
import { useSignal } from "@preact/signals";
import { lastReason, may, who } from "../feed/session.js";

const LEAST = 3;

/** @param reveal reads the contents; rejects with the reason why they cannot be shown */
export function Masked({ reveal }: { reveal: (reason: string) => Promise<void> }) {
  const problem = useSignal("");
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (isBusy.peek()) return;
    isBusy.value = true;
    problem.value = "";
    try {
      await reveal(lastReason.peek().trim());
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <section class="remark masked" data-testid="masked">
      <p>
        Contents are masked: ‹pseudonyms› stand in their place, and equal contents have equal ones.
        {who.value !== null && !may("contents") && " Your role does not show them."}
      </p>
      {may("contents") && (
        <form class="toolbar" onSubmit={(event) => void submit(event)}>
          <label class="toolbar-field">
            <span>Reason, for the access log</span>
            <input
              class="button"
              name="reason"
              minlength={LEAST}
              maxlength={1_000}
              required
              value={lastReason}
              onInput={(event) => (lastReason.value = event.currentTarget.value)}
            />
          </label>
          {/* aria-disabled, so that the focus stays on the button while it is busy. */}
          <button class="button" aria-disabled={isBusy}>
            Show contents
          </button>
        </form>
      )}
      {problem.value !== "" && <p role="alert">{problem}</p>}
    </section>
  );
}
