/** Finding and making elements. Everything that people wrote enters the page here, as text and never as HTML (D4). */

type ElementClass<Found extends Element> = new () => Found

/** The element of `index.html` with that `data-testid`; a missing one is a mistake in the page. */
export function find<Found extends Element>(testId: string, elementClass: ElementClass<Found>): Found {
  const element = document.querySelector(`[data-testid="${testId}"]`)
  if (!(element instanceof elementClass)) throw new Error(`index.html has no ${elementClass.name} "${testId}"`)
  return element
}

export function create<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className: string,
  text = '',
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  element.className = className
  element.textContent = text
  return element
}

/** Writes only where something differs: a text that is read aloud, or a style, is not touched for nothing. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

export function setData(element: HTMLElement, values: Readonly<Record<string, string>>): void {
  for (const [key, value] of Object.entries(values)) {
    if (element.dataset[key] !== value) element.dataset[key] = value
  }
}

/** A CSS variable, set by script since the policy forbids style attributes in HTML. */
export function setVariable(element: HTMLElement, name: `--${string}`, value: string): void {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value)
}
