"""Programs that play the agent against the sandbox, on this desktop or under Wine.

Two kinds of code:

- What runs on the desktop itself, in a real Windows, in the Windows Python under Wine, or on Linux:
  ``demo``, ``tour``, ``tour_page``, ``agent_files``, ``window_texts``; on Windows only: ``screen``, ``settings_window``,
  ``windows_proxy``, and the small programs ``desktop_reader``, ``window_watcher`` and ``endurance``.
- What runs in the Linux Python and drives Wine: ``build``, ``bcrypt_dll``, ``prefix``, ``desktop``, ``stage``,
  ``wine_demo`` with ``setup_pages``, ``clerk``, ``practical_sheets`` and ``demo_page``, ``wine_tour``;
  ``bench`` with ``measure``, ``bare_programs`` and ``server_tests``.
"""
