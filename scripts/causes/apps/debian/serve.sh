#!/bin/sh
exec tree --du -h /srv/archive
