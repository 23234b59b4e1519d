/** One setting of a plan as a whole: its title, its name in the file, its input, and what it does. */
import { useId } from 'react';

export function SettingLine({
  title,
  name,
  help,
  children,
}: {
  readonly title: string;
  readonly name: string;
  readonly help: string;
  readonly children: (helpId: string) => React.ReactNode;
}) {
  const id = useId();
  return (
    <div className="field">
      <div className="field-name">
        <span>{title}</span>
        <code>{name}</code>
      </div>
      <span className="field-input">{children(id)}</span>
      <p className="field-help" id={id}>
        {help}
      </p>
    </div>
  );
}
