import { Link } from '@tanstack/react-router'
import { Ellipsis } from 'lucide-react'
import { useTranslation } from 'react-i18next'
import { Menu } from '@/ui/menu'
import { nameOf } from './members-columns'
import type { Row } from './members-list'

/** What the owner may do with somebody. */
export function MemberMenu({ row, community, choose }: { row: Row; community: string; choose: (row: Row) => void }) {
  const { t } = useTranslation('members')
  return (
    <Menu button={{ kind: 'ghost', size: 'icon', 'aria-label': t('menu', { name: nameOf(row) }), children: <Ellipsis aria-hidden /> }}>
      {({ Item }) => (
        <>
          <Item onSelect={() => choose(row)}>{t(row.role === 'member' ? 'appoint.do' : 'dismiss.do')}</Item>
          <Item asChild>
            <Link to="/communities/$id/moderation" params={{ id: community }}>
              {t('moderate')}
            </Link>
          </Item>
        </>
      )}
    </Menu>
  )
}
