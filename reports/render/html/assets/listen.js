'use strict';
/* Samples: lengths are read once a player is near, and one sample plays at a time. */
(() => {
  const players = [...document.querySelectorAll('audio')];
  for (const player of players) {
    Report.whenNear(player, () => { player.preload = 'metadata'; });
    player.addEventListener('play', () => {
      for (const other of players) if (other !== player) other.pause();
    });
  }
})();
