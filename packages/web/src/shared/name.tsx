import { halves, pieces, type Piece } from "../text/names.js";

function Shown({ of }: { of: readonly Piece[] }) {
  return <>{of.map(({ text, isEscape }) => (isEscape ? <span class="escape">{text}</span> : text))}</>;
}

/** A part of a text that its element isolates, with unseen characters escaped and line breaks kept. */
export function Escaped({ text }: { text: string }) {
  return <Shown of={pieces(text, { keepsLines: true })} />;
}

/** A name that somebody else chose: isolated, so that it cannot turn the text around it, and with unseen characters escaped. */
export function Name({ text }: { text: string }) {
  return (
    <bdi>
      <Shown of={pieces(text)} />
    </bdi>
  );
}

/** A name in one line; where there is no room for all of it, it is cut in the middle, because names of files differ at their end. */
export function CutName({ text }: { text: string }) {
  const [head, tail] = halves(text);
  return (
    <bdi class="cut-name">
      {head !== "" && (
        <span class="cut-head">
          <Shown of={pieces(head)} />
        </span>
      )}
      <span class="cut-tail">
        <Shown of={pieces(tail)} />
      </span>
    </bdi>
  );
}

/** A message with its line breaks, isolated and with unseen characters escaped. */
export function Message({ text }: { text: string }) {
  return (
    <bdi class="message">
      <Escaped text={text} />
    </bdi>
  );
}

/** A sentence of ours around names that others chose, for example `call.wav never reached IVR`. */
export function Sentence({ text, name }: { text: string; name: string | null }) {
  const at = name === null || name === "" ? -1 : text.indexOf(name);
  if (name === null || at < 0) return <Escaped text={text} />;
  return (
    <>
      <Escaped text={text.slice(0, at)} />
      <Name text={name} />
      <Escaped text={text.slice(at + name.length)} />
    </>
  );
}
