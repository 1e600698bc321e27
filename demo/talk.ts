/** Saying something and reacting: the input, the typing flag, the reaction buttons, and what others sent of both. */
import type { Channel } from 'copresence'
import { create, find } from './dom.ts'
import { cleanLine, type PersonData, type Point, readPoint } from './person.ts'
import type { Pointer } from './pointer.ts'

const REACTIONS = ['👋', '❤️', '🎉', '😂', '👍'] as const
const REACTION_NAMES: Readonly<Record<(typeof REACTIONS)[number], string>> = {
  '👋': 'Wave',
  '❤️': 'Heart',
  '🎉': 'Celebrate',
  '😂': 'Laugh',
  '👍': 'Thumbs up',
}
/** As many as the input allows. */
const MAX_SAYING_CHARACTERS = 140
/** Without a key for so long, in ms, nobody is typing. */
const TYPING_ENDS_AFTER_MS = 3_000

export interface TalkNeeds {
  readonly channel: Channel<PersonData>
  readonly pointer: Pointer
  onSaying(connectionId: string, text: string, at: Point): void
  onReaction(connectionId: string, emoji: string, at: Point): void
}

export function createTalk({ channel, pointer, onSaying, onReaction }: TalkNeeds): void {
  createSayForm(channel, pointer)
  createReactionButtons(channel, pointer)
  channel.subscribe<unknown>('say', ({ connectionId, data }) => {
    const text = cleanLine(fieldOf(data, 'text'), MAX_SAYING_CHARACTERS)
    const at = readPoint(fieldOf(data, 'at'))
    if (text !== '' && at !== null) onSaying(connectionId, text, at)
  })
  channel.subscribe<unknown>('react', ({ connectionId, data }) => {
    const emoji = REACTIONS.find((reaction) => reaction === fieldOf(data, 'emoji'))
    const at = readPoint(fieldOf(data, 'at'))
    if (emoji !== undefined && at !== null) onReaction(connectionId, emoji, at)
  })
}

function createSayForm(channel: Channel<PersonData>, pointer: Pointer): void {
  const input = find('say-input', HTMLInputElement)
  let isTyping = false
  let timer = 0
  const setTyping = (next: boolean): void => {
    clearTimeout(timer)
    if (next) timer = window.setTimeout(() => setTyping(false), TYPING_ENDS_AFTER_MS)
    if (next === isTyping) return
    isTyping = next
    channel.participant.update({ isTyping })
  }
  input.addEventListener('input', () => setTyping(input.value.trim() !== ''))
  input.addEventListener('blur', () => setTyping(false))
  find('say', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const text = cleanLine(input.value, MAX_SAYING_CHARACTERS)
    input.value = ''
    setTyping(false)
    if (text !== '') channel.publish('say', { text, at: pointer.placeOnStage() })
  })
}

function createReactionButtons(channel: Channel<PersonData>, pointer: Pointer): void {
  const group = find('reactions', HTMLElement)
  for (const emoji of REACTIONS) {
    const button = create('button', 'reaction-button', emoji)
    button.type = 'button'
    button.setAttribute('aria-label', REACTION_NAMES[emoji])
    button.addEventListener('click', () => channel.publish('react', { emoji, at: pointer.placeOnStage() }))
    group.append(button)
  }
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
