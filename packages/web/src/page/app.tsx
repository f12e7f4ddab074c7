import type { LiveFeed } from "../feed/live.js";
import type { LiveState } from "../feed/live-state.js";
import { AlsoRunning } from "../findings/also-running.js";
import { Announcer } from "./announcer.js";
import { isLanding, place, type ViewName } from "../choices/routes.js";
import { EventDialog } from "../dialog/event-dialog.js";
import { Findings } from "../findings/findings.js";
import { Header } from "../header/header.js";
import { EmptyState, LoadingState, MissingBatch, LoggedOut } from "./notices.js";
import { StageCards } from "../cards/stage-cards.js";
import { Steps } from "../cards/steps.js";
import { lazyView } from "../shared/lazy-view.js";
import type { ViewProps } from "../shared/view-state.js";
import type { FunctionComponent } from "preact";

export function App({ feed }: { feed: LiveFeed }) {
  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header feed={feed} />
      <main id="content" tabindex={-1}>
        <Main feed={feed} />
      </main>
      <EventDialog state={feed.state} />
      <Announcer state={feed.state} />
    </>
  );
}

const AccessLog = lazyView<{ state: LiveState }>(
  async () => (await import("../views/access/access-log.js")).AccessLogView,
);

const Users = lazyView<{ state: LiveState }>(async () => (await import("../views/access/users.js")).UsersView);

const LAZY: Readonly<
  Record<Exclude<ViewName, "stages" | "access" | "users"> | "focused", FunctionComponent<ViewProps>>
> = {
  focused: lazyView(async () => (await import("../views/focused-stages.js")).FocusedStages),
  trades: lazyView(async () => (await import("../views/trades/trades.js")).TradesView),
  trade: lazyView(async () => (await import("../views/trade/trade.js")).TradeView),
  files: lazyView(async () => (await import("../views/files/files.js")).FilesView),
  handoffs: lazyView(async () => (await import("../views/handoffs.js")).HandoffsView),
  time: lazyView(async () => (await import("../views/time.js")).TimeView),
  hosts: lazyView(async () => (await import("../views/hosts/hosts.js")).HostsView),
  metrics: lazyView(async () => (await import("../views/metrics/metrics.js")).MetricsView),
  batches: lazyView(async () => (await import("../views/batches.js")).BatchesView),
  errors: lazyView(async () => (await import("../views/errors.js")).ErrorsView),
};

function Main({ feed }: { feed: LiveFeed }) {
  const { state } = feed;
  const connection = state.connection.value;
  if (connection === "refused") return <LoggedOut />;
  if (place.value.view === "access") return <AccessLog state={state} />;
  if (place.value.view === "users") return <Users state={state} />;
  if (connection === "missing") return <MissingBatch reason={state.reason.value} />;
  const batch = state.batch.value;
  if (batch === undefined) return <LoadingState reason={state.reason.value} />;
  if (batch === null) return <EmptyState />;
  const { view, filters } = place.value;
  if (view !== "stages" || filters.cause) {
    const View = LAZY[view === "stages" ? "focused" : view];
    return (
      <>
        {isLanding.value && <Attention batchId={batch.id} state={state} />}
        <View key={`${batch.id} ${view}`} batchId={batch.id} state={state} />
      </>
    );
  }
  return (
    <>
      <Attention batchId={batch.id} state={state} />
      <StageCards key={batch.id} state={state} />
      <Steps state={state} />
    </>
  );
}

/** What to look at first, on the view that a batch opens with. */
function Attention({ batchId, state }: ViewProps) {
  return (
    <div class="attention">
      <Findings key={batchId} batchId={batchId} state={state} />
      <AlsoRunning key={`others of ${batchId}`} batchId={batchId} state={state} />
    </div>
  );
}
