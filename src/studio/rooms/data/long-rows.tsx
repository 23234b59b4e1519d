/** Training rows that are longer than the plan allows, and the smaller pictures that would let all of them in. */
import { Link } from 'wouter';
import type { DatasetReport, PictureReport } from '../../../engine/protocol/index.ts';
import { useRecipe } from '../../state/studio.ts';
import { count, plural } from '../../ui/format.ts';
import { Icon } from '../../ui/icon.tsx';
import { limitWords } from '../recipe/budget-words.ts';
import { usePictureReport } from '../recipe/use-picture-report.ts';

export function LongRows({ dataset }: { readonly dataset: DatasetReport }) {
  const { report } = usePictureReport(dataset);
  if (!report || report.tooLong === 0) return null;
  return (
    <LongRowsNote report={report}>
      <Link href="/recipe">See the recipe</Link>
    </LongRowsNote>
  );
}

/** @param children what else can be done */
export function LongRowsNote({
  report,
  children,
}: {
  readonly report: PictureReport;
  readonly children?: React.ReactNode;
}) {
  const limit = useRecipe((editor) => editor.limit);
  const { tooLong, train, trainLooked, context, fitting, longest } = report;
  if (!context || tooLong === 0) return null;
  const all = trainLooked === train;
  return (
    <section className="note note-warning" aria-label="Rows that are too long">
      <Icon name="alert" />
      <div>
        <p>
          <b>
            {plural(tooLong, 'row')} of {count(trainLooked)} {all ? 'training rows' : 'training rows looked at'}{' '}
            {tooLong === 1 ? 'is' : 'are'} longer than {count(context.tokens)} tokens.
          </b>{' '}
          {context.of === null
            ? 'The model was made for no more positions.'
            : `“${context.of}” would leave ${tooLong === 1 ? 'it' : 'them'} out (max_length).`}{' '}
          {longest !== null && <>The longest is {longest}. </>}
          {fitting
            ? `With ${limitWords(fitting)} every ${all ? 'row' : 'row looked at'} fits.`
            : 'Smaller pictures alone do not help: their text is too long.'}{' '}
          {children}
        </p>
        {fitting && (
          <p className="button-row">
            <button type="button" className="button" onClick={() => limit(fitting)}>
              Make pictures smaller
            </button>
          </p>
        )}
      </div>
    </section>
  );
}
