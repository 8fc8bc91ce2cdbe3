#error "this module's row in meson.build does not name portaudio"
