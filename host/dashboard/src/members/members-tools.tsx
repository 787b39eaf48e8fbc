import type { SortingState } from '@tanstack/react-table'
import { useTranslation } from 'react-i18next'
import { type Order, SortSelect } from '@/parts/table-sort'
import { Field, Input, Select } from '@/ui/field'
import { ROLES, STATES, type Wish } from './members-columns'

/** Looking for members; on a phone also their order, which headings say elsewhere. */
export function MembersTools(props: {
  wish: Wish
  onWish: (wish: Wish) => void
  sorting: SortingState
  onSorting: (sorting: SortingState) => void
}) {
  const { wish, onWish, sorting, onSorting } = props
  const { t } = useTranslation('members')
  const orders: Order[] = [
    { id: 'role', desc: false, label: t('order.role') },
    { id: 'since', desc: true, label: t('order.newest') },
    { id: 'since', desc: false, label: t('order.oldest') },
    { id: 'who', desc: false, label: t('order.name') },
    { id: 'who', desc: true, label: t('order.nameBack') },
    { id: 'state', desc: true, label: t('order.state') },
  ]
  return (
    <search className="grid grid-cols-2 gap-3 sm:grid-cols-[1fr_12rem_12rem]">
      <Field label={t('search')} className="col-span-2 sm:col-span-1">
        {(control) => (
          <Input
            {...control}
            type="search"
            value={wish.text}
            onChange={(event) => onWish({ ...wish, text: event.target.value })}
            placeholder={t('searchHint')}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
        )}
      </Field>
      <Field label={t('role')}>
        {(control) => (
          <Select
            {...control}
            value={wish.role}
            onChange={(event) => onWish({ ...wish, role: ROLES.find((role) => role === event.target.value) ?? '' })}
          >
            <option value="">{t('anyRole')}</option>
            {ROLES.map((role) => (
              <option key={role} value={role}>
                {t(`role.${role}`, { ns: 'common' })}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <Field label={t('state')}>
        {(control) => (
          <Select
            {...control}
            value={wish.state}
            onChange={(event) => onWish({ ...wish, state: STATES.find((state) => state === event.target.value) ?? '' })}
          >
            <option value="">{t('anyState')}</option>
            {STATES.map((state) => (
              <option key={state} value={state}>
                {t(`states.${state}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <SortSelect label={t('sort')} orders={orders} sorting={sorting} onChange={onSorting} className="col-span-2 sm:hidden" />
    </search>
  )
}
