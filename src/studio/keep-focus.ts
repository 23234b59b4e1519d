/**
 * The keyboard's place in the page. A button that is pressed often goes away by what it does (a dataset is opened, a run
 * begins) or cannot be pressed for a while; browsers then put the focus back to the page's beginning. Here it goes to
 * the heading of the room that is shown, or back to the button when it can be pressed again.
 */
import { useEffect } from 'react';

const enabled = (element: Element): boolean => !element.matches(':disabled');

export function useKeepFocus(): void {
  useEffect(() => {
    const main = document.getElementById('main');
    if (!main) return;
    /** What had the focus, until the user has put it elsewhere. */
    let last: HTMLElement | null = null;
    const entered = ({ target }: FocusEvent) =>
      void (last = target instanceof HTMLElement && main.contains(target) ? target : null);
    // A click beside everything takes the focus from an element that is still there and could keep it.
    const left = ({ target, relatedTarget }: FocusEvent) => {
      const element = target as HTMLElement;
      if (relatedTarget === null && element.isConnected && enabled(element) && document.hasFocus())
        queueMicrotask(() => {
          if (last === element && element.isConnected && enabled(element)) last = null;
        });
    };
    const look = () => {
      if (!last || (document.activeElement !== document.body && document.activeElement !== null)) return;
      if (last.isConnected) {
        if (enabled(last)) last.focus({ preventScroll: true });
        return;
      }
      const heading = main.querySelector<HTMLElement>('h1');
      // A room that is still on its way has none yet.
      if (!heading) return;
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    };
    const observer = new MutationObserver(look);
    observer.observe(main, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
    document.addEventListener('focusin', entered);
    document.addEventListener('focusout', left);
    return () => {
      observer.disconnect();
      document.removeEventListener('focusin', entered);
      document.removeEventListener('focusout', left);
    };
  }, []);
}
