#!/bin/sh
case $1 in
--list) cat <<END
{"web": {"hosts": ["w1", "w2"], "vars": {"rack": "r1", "n": 1.50}, "children": ["inner"]},
 "inner": ["w3"], "all": {"vars": {"site": "x"}}, "lone": {"hosts": []},
 "_meta": {"hostvars": {"w1": {"ansible_host": "10.0.0.1", "ansible_port": 2201, "rack": "r9"}, "ghost": {"a": 1}}}}
END
;;
*) exit 1 ;;
esac
