/** The head of a table: the names of its columns, and one that only a screen reader hears where buttons stand. */
export function TableHead({ columns, actions }: { readonly columns: readonly string[]; readonly actions?: string }) {
  return (
    <thead>
      <tr>
        {columns.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
        {actions !== undefined && (
          <th scope="col">
            <span className="visually-hidden">{actions}</span>
          </th>
        )}
      </tr>
    </thead>
  );
}
