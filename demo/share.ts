/** The share link: shown, copied, and told that it was. */
import { find, setText } from './dom.ts'
import { isCut, isThisMachineOnly, linkToRoom, moveToRoom, newPrivateRoom, type Room } from './room.ts'

const OPEN = ['open', 'Whoever knows the name of this room can come in'] as const
const PRIVATE = [
  'private',
  'Only who has the link can come in, and the server sees nothing but sealed bytes: the secret in the link is never sent to it',
] as const

const CUT = [
  'incomplete',
  'This link has lost its secret, or a part of it, so it leads to nobody: ask for the link again',
] as const

/** How long the button says that it worked, in ms. */
const FEEDBACK_MS = 2_000

export function createShare(room: Room): void {
  const link = linkToRoom(location.href, room)
  const anchor = find('share-link', HTMLAnchorElement)
  anchor.href = link
  anchor.hidden = isCut(room)
  setText(anchor, link.replace(/^https?:\/\//, ''))
  setText(find('room-name', HTMLElement), room.room)
  const privacy = find('room-privacy', HTMLElement)
  const [word, meaning] = isCut(room) ? CUT : room.secret === undefined ? OPEN : PRIVATE
  setText(privacy, word)
  privacy.title = meaning
  privacy.dataset.privacy = word

  for (const testId of ['copy-link', 'alone-copy']) {
    const button = find(testId, HTMLButtonElement)
    button.hidden = isCut(room)
    let timer = 0
    button.addEventListener('click', async () => {
      setText(button, (await copy(link, anchor)) ? 'Copied' : 'Selected: copy it (Ctrl+C)')
      clearTimeout(timer)
      timer = window.setTimeout(() => setText(button, 'Copy link'), FEEDBACK_MS)
    })
  }

  find('new-room', HTMLButtonElement).addEventListener('click', () => {
    location.assign(moveToRoom(location.href, newPrivateRoom()))
  })

  const hint = find('share-hint', HTMLElement)
  hint.hidden = isCut(room) || !isThisMachineOnly(location.href)
  setText(hint, 'On this computer any other tab or browser can open it.')
}

/** Whether the text is on the clipboard; where it is not, the shown link is selected, ready for the keyboard. */
async function copy(text: string, shown: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    // Plain-http pages have no clipboard, and a browser may refuse: what is left is the person's own Ctrl+C.
    getSelection()?.selectAllChildren(shown)
    return false
  }
}
