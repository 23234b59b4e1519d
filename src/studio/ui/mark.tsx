/** The mark: a box found on a picture. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path d="M3 8V3h5M16 3h5v5M21 16v5h-5M8 21H3v-5" fill="none" stroke="currentColor" strokeWidth="2" />
      <path d="M7 15h4v-3h3V9h3" fill="none" stroke="var(--accent)" strokeWidth="2.5" />
    </svg>
  );
}
