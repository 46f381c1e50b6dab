// Filters the operations in the margin; "/" goes to the field.
const field = document.getElementById('filter');
const entries = [...document.querySelectorAll('nav li')];

field.addEventListener('input', () => {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) entry.hidden = !words.every((word) => entry.dataset.words.includes(word));
  for (const group of document.querySelectorAll('nav section'))
    group.hidden = words.length > 0 && !group.querySelector('li:not([hidden])');
});

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || document.activeElement === field) return;
  event.preventDefault();
  field.focus();
});
