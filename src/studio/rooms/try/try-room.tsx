/** Try: a conversation with the model over pictures of one's own, with the boxes it answers drawn on them. */
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { Link } from 'wouter';
import type { BudgetOf, ChatAnswer, PolicyName } from '../../../engine/protocol/index.ts';
import { ROLES, type Layer } from '../../boxes/roles.ts';
import { Strip, Swatch } from '../../boxes/strip.tsx';
import { CHAT_PICTURES, type Turn } from '../../state/chat.ts';
import { useChat, useProject, useRecipe } from '../../state/studio.ts';
import { Choice } from '../../ui/choice.tsx';
import { DropTarget } from '../../drop-target.tsx';
import { count, withinSentence } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { ProblemNote } from '../../ui/problem-note.tsx';
import { RoomHead } from '../../ui/room-head.tsx';
import { BoxChips } from '../../ui/segments.tsx';
import { NumberInput } from '../recipe/number-input.tsx';
import { answerPart } from '../run/completion-card.tsx';
import './try.css';

export function TryRoom() {
  const model = useProject((project) => project.model);
  const problem = useChat((chat) => chat.problem);
  const dismiss = useChat((chat) => chat.dismiss);
  return (
    <div className="room room-try">
      <RoomHead title="Try" lede="Ask the model about your own pictures. They stay on this machine." />
      {!model && (
        <p>
          <Link href="/model">Load a model</Link> first.
        </p>
      )}
      {problem && <ProblemNote problem={problem} onDismiss={dismiss} />}
      <div className="try-columns">
        <div className="try-talk">
          <Turns />
          <Composer ready={model !== null} />
        </div>
        <Settings convention={model?.boxConvention ?? null} />
      </div>
    </div>
  );
}

function Turns() {
  const turns = useChat((chat) => chat.turns);
  const writing = useChat((chat) => chat.writing);
  const end = useRef<HTMLLIElement>(null);
  const last = turns.at(-1)?.text.length ?? 0;
  // Newer browsers return a promise here, and an effect may return only its end.
  useEffect(() => void end.current?.scrollIntoView({ block: 'nearest' }), [turns.length, last]);
  if (turns.length === 0) return null;
  return (
    <ol className="turns" aria-label="Conversation">
      {turns.map((turn) => (
        <li key={turn.id} data-role={turn.role}>
          {turn.role === 'user' ? <Question turn={turn} /> : <Reply turn={turn} writing={turn.id === writing} />}
        </li>
      ))}
      <li ref={end} aria-hidden="true" className="turns-end" />
    </ol>
  );
}

function Question({ turn }: { readonly turn: Turn }) {
  return (
    <>
      {turn.pictures.length > 0 && (
        <p className="chips">
          {turn.pictures.map((at) => (
            <span key={at} className="chip">
              Image {at + 1}
            </span>
          ))}
        </p>
      )}
      <p className="words">{turn.text}</p>
    </>
  );
}

/** How a question was asked, in words. */
const ASKED: Readonly<Record<NonNullable<ChatAnswer['form']> | 'own', string>> = {
  own: 'Asked as written',
  'as-written': 'Asked with the recipe’s prompt, which asks for no form',
  think: 'Asked with the recipe’s prompt: think, then answer',
  answer: 'Asked with the recipe’s prompt: answer only',
};

function Reply({ turn, writing }: { readonly turn: Turn; readonly writing: boolean }) {
  const pictures = useChat((chat) => chat.pictures);
  const { answer, policy = 'base' } = turn;
  const words = answerPart(turn.text);
  const think = answer ? answer.think : thoughtSoFar(turn.text);
  const layers: Layer[] = answer ? [{ role: policy, boxes: answer.boxes }] : [];
  return (
    <section className="card reply" aria-label={`${ROLES[policy].name} answer`} aria-busy={writing}>
      <header>
        <h2 className="minor">
          <Swatch role={policy} /> {ROLES[policy].name}
        </h2>
        {answer && <p className="muted">{ASKED[answer.form ?? 'own']}</p>}
        {answer && (
          <p className="muted num">
            {count(answer.tokens)} tokens, {(answer.tokens / Math.max(answer.seconds, 1e-3)).toFixed(1)} per second
            {answer.finish === 'stopped' && ', stopped'}
            {answer.finish === 'length' && ', truncated at the limit'}
            {answer.sizes.length > 0 && `. ${BUDGET_WORDS[answer.budgetOf]}`}
          </p>
        )}
      </header>
      {think && <p className="words thought">{think}</p>}
      <p className="words" aria-live="off">
        {words}
        {writing && <span className="caret" aria-hidden="true" />}
      </p>
      {answer && answer.boxes.length > 0 && (
        <>
          <Strip
            dataset={CHAT_PICTURES}
            images={pictures.slice(0, answer.sizes.length).map(({ id }) => id)}
            layers={layers}
            height={260}
            label="Boxes of the answer"
          />
          <BoxChips boxes={answer.boxes} />
        </>
      )}
      <p className="visually-hidden" role="status">
        {writing ? 'The model is writing.' : answer ? `The answer is complete: ${words}` : ''}
      </p>
    </section>
  );
}

const BUDGET_WORDS: Readonly<Record<BudgetOf, string>> = {
  run: 'Pictures as the run’s budget has them',
  plan: 'Pictures as the recipe’s budget has them',
  checkpoint: 'Pictures as the checkpoint says',
};

/** The thought while it is being written: what follows its opening tag. */
const thoughtSoFar = (text: string): string | null =>
  text.includes('<think>') ? text.split('<think>')[1]!.split('</think>')[0]!.trim() : null;

function Composer({ ready }: { readonly ready: boolean }) {
  const [text, setText] = useState('');
  const pictures = useChat((chat) => chat.pictures);
  const sent = useChat((chat) => chat.sent);
  const writing = useChat((chat) => chat.writing);
  const turns = useChat((chat) => chat.turns);
  const add = useChat((chat) => chat.add);
  const remove = useChat((chat) => chat.remove);
  const ask = useChat((chat) => chat.ask);
  const stop = useChat((chat) => chat.stop);
  const clear = useChat((chat) => chat.clear);
  const waiting = pictures.slice(sent);
  const can = ready && writing === null && text.trim() !== '';
  const send = async () => {
    if (!can) return;
    const question = text.trim();
    setText('');
    // A question that failed comes back, unless another is being written already.
    if (!(await ask(question))) setText((now) => now || question);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <section className="composer" aria-label="Your turn">
      <DropTarget
        label="Drop pictures"
        pick={['file']}
        accept="image/*"
        verb="Add a picture"
        className="drop drop-flat"
        onIntake={({ files }) => add(files)}
      >
        {waiting.length > 0 && (
          <>
            <Strip
              dataset={CHAT_PICTURES}
              images={waiting.map(({ id }) => id)}
              layers={[]}
              height={110}
              label="Pictures of the next turn"
              caption={false}
            />
            <p className="button-row">
              {waiting.map(({ id, name }, i) => (
                <button
                  key={id}
                  type="button"
                  className="button small"
                  aria-label={`Remove ${name}`}
                  onClick={() => remove(sent + i)}
                >
                  Image {sent + i + 1} <Icon name="close" />
                </button>
              ))}
            </p>
          </>
        )}
      </DropTarget>
      <label className="stacked">
        <span>Question</span>
        <textarea
          rows={3}
          value={text}
          placeholder="Where is the red disc? Answer with its picture and box."
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKey}
        />
      </label>
      <p className="button-row">
        {writing ? (
          <button type="button" className="button" onClick={stop}>
            <Icon name="stop" /> Stop
          </button>
        ) : (
          <button type="button" className="button primary" disabled={!can} onClick={() => void send()}>
            <Icon name="play" /> Ask
          </button>
        )}
        <button type="button" className="button" disabled={turns.length + pictures.length === 0} onClick={clear}>
          <Icon name="trash" /> Start again
        </button>
      </p>
    </section>
  );
}

function Settings({ convention }: { readonly convention: string | null }) {
  const settings = useChat((chat) => chat.settings);
  const set = useChat((chat) => chat.set);
  const prompt = useRecipe((editor) => editor.recipe.prompt);
  return (
    <section className="card try-settings" aria-label="Settings of the answer">
      <h2 className="minor">Who answers</h2>
      <Choice<PolicyName>
        label="Who answers"
        choices={[
          { key: 'base', title: 'Base' },
          { key: 'tuned', title: 'Tuned' },
        ]}
        selected={settings.policy}
        onSelect={(policy) => set({ policy })}
      />
      <p className="muted">
        Tuned uses what the last run learned, or the stack of <Link href="/model">adapters</Link>.
      </p>
      <h2 className="minor">How it is asked</h2>
      <Choice<'plan' | 'own'>
        label="How it is asked"
        choices={[
          { key: 'plan', title: 'Recipe’s prompt' },
          { key: 'own', title: 'As written' },
        ]}
        selected={settings.asked}
        onSelect={(asked) => set({ asked })}
      />
      <p className="muted">
        {prompt
          ? 'The recipe puts its words around a question as around its rows: system text, form of the answer, names of the pictures.'
          : 'The recipe has no prompt, so both are the same. Set one under '}
        {!prompt && <Link href="/recipe">Prompt</Link>}
      </p>
      <label className="stacked">
        <span>System message</span>
        <textarea rows={3} value={settings.system} onChange={(event) => set({ system: event.target.value })} />
      </label>
      <div className="stacked">
        <span aria-hidden="true">Temperature (0: always the most likely token)</span>
        <NumberInput
          label="Temperature"
          value={settings.temperature}
          min={0}
          max={5}
          integer={false}
          onChange={(temperature) => set({ temperature })}
        />
      </div>
      <div className="stacked">
        <span aria-hidden="true">Longest answer, tokens</span>
        <NumberInput
          label="Longest answer, tokens"
          value={settings.maxCompletionLength}
          min={1}
          max={8192}
          integer
          onChange={(maxCompletionLength) => set({ maxCompletionLength })}
        />
      </div>
      {convention && <p className="muted">Boxes are read as the model writes them: {withinSentence(convention)}</p>}
    </section>
  );
}
