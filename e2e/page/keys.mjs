/** What is done in a page by keyboard alone, by Playwright or Puppeteer. */

/** @param {object} page where it is done, unless another is named */
export function byKeys(page) {
  /**
   * Goes to an element by Tab, or back by Shift and Tab: round the end would lead through the browser's own buttons, after
   * which Firefox has no focus in the page.
   */
  const tabTo = async (selector, on = page) => {
    for (let steps = 0; steps < 80; steps++) {
      const way = await on.evaluate((selector) => {
        const [here, target] = [document.activeElement, document.querySelector(selector)]
        if (!target || here === target) return target ? 'there' : 'none'
        return here !== document.body && here.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING ? 'back' : 'on'
      }, selector)
      if (way === 'there') return
      if (way === 'none') break
      if (way === 'back') await on.keyboard.down('Shift')
      await on.keyboard.press('Tab')
      if (way === 'back') await on.keyboard.up('Shift')
    }
    throw new Error(`${selector} cannot be reached by Tab`)
  }
  const press = async (selector, on = page) => {
    await tabTo(selector, on)
    await on.keyboard.press('Enter')
  }
  const write = async (selector, text, on = page) => {
    await tabTo(selector, on)
    await on.keyboard.down('Control')
    await on.keyboard.press('a')
    await on.keyboard.up('Control')
    await on.keyboard.type(text)
  }
  return { tabTo, press, write }
}
