import { RadioGroup } from 'radix-ui'

/** One of a few, side by side. */
export function MixChoice<Value extends string>(props: {
  name: string
  value: Value
  onChange: (value: Value) => void
  choices: readonly (readonly [Value, string])[]
  className?: string
}) {
  const { name, value, onChange, choices, className = '' } = props
  const choose = (wanted: string) => {
    const choice = choices.find(([each]) => each === wanted)
    if (choice) onChange(choice[0])
  }
  return (
    <RadioGroup.Root
      value={value}
      onValueChange={choose}
      aria-label={name}
      className={`flex w-fit max-w-full flex-wrap gap-1 rounded-xl bg-muted p-1 ${className}`}
    >
      {choices.map(([each, label]) => (
        <RadioGroup.Item
          key={each}
          value={each}
          className="min-h-8 rounded-lg px-3 py-1 text-sm font-medium text-muted-foreground data-[state=checked]:bg-card data-[state=checked]:text-foreground data-[state=checked]:ring-1 data-[state=checked]:ring-input"
        >
          {label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  )
}
