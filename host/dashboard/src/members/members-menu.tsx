import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '@/ui/button'
import { Menu, MenuItem } from '@/ui/menu'
import { nameOf } from './members-columns'
import type { Row } from './members-list'

/**
 * What the owner may do with somebody. A menu costs more than the rest of its row, so until somebody wants it there is only its button: a key
 * that leads to it brings the menu, a press opens it at once.
 */
export function MemberMenu({ row, community, choose }: { row: Row; community: string; choose: (row: Row) => void }) {
  const { t } = useTranslation('members')
  const [near, setNear] = useState<'no' | 'key' | 'press'>('no')
  const look = { kind: 'ghost', size: 'icon', 'aria-label': t('menu', { name: nameOf(row) }), children: <Ellipsis aria-hidden /> } as const
  if (near === 'no') {
    return (
      <Button
        {...look}
        aria-haspopup="menu"
        aria-expanded={false}
        onFocus={(event) => event.target.matches(':focus-visible') && setNear('key')}
        onPointerDown={(event) => {
          if (event.pointerType !== 'mouse' || event.button !== 0) return
          // The focus goes to the menu's own button, and so does the rest of the press.
          event.preventDefault()
          setNear('press')
        }}
        onClick={() => setNear('press')}
      />
    )
  }
  return (
    <Menu defaultOpen={near === 'press'} trigger={<Button {...look} autoFocus={near === 'key'} />}>
      <MenuItem onSelect={() => choose(row)}>{t(row.role === 'member' ? 'appoint.do' : 'dismiss.do')}</MenuItem>
      <MenuItem asChild>
        <Link to="/communities/$id/moderation" params={{ id: community }}>
          {t('moderate')}
        </Link>
      </MenuItem>
    </Menu>
  )
}
