/*
 * Says why the studio does not open. It is no part of the build's own scripts, because it is there for the case that one of
 * them is missing; and it stands in no page, because the page's policy allows no script that does.
 */
(() => {
  const LONG = 15000;
  const say = (what, hint) => {
    const first = document.querySelector('#root .first');
    if (!first) return; // the studio has opened
    const line = (text) => Object.assign(document.createElement('p'), { textContent: text });
    const again = Object.assign(document.createElement('button'), { type: 'button', textContent: 'Try again' });
    again.addEventListener('click', () => location.reload());
    const box = document.createElement('div');
    box.setAttribute('role', 'alert');
    box.append(line(what), line(hint), again);
    first.replaceChildren(box);
  };
  const unread = () =>
    say(
      'The studio could not be opened: some of its files could not be read.',
      'Its server is not running, or its files are incomplete. Your projects and runs are safe in this browser. Start the server (npm start), then try again.',
    );
  // Elements that fail to load tell it to nobody but the capture phase.
  addEventListener('error', (event) => event.target instanceof HTMLScriptElement && unread(), true);
  addEventListener('error', (event) => {
    if (event.target === window)
      say(
        `The studio could not be opened: ${event.message}.`,
        'Your projects and runs are safe in this browser. Load the page again; if it happens again, the browser may be too old (Chrome 134 is the first that works).',
      );
  });
  addEventListener('unhandledrejection', (event) => /import|module|fetch/i.test(String(event.reason)) && unread());
  setTimeout(() => {
    const text = document.querySelector('#root .first p');
    if (text) text.textContent = 'Opening the studio … This takes long: the server is slow, or does not answer.';
  }, LONG);
})();
