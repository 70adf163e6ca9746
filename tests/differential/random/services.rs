//! Services that stop and start, with all the guards that come with them.

use super::writer::Writer;

/// What uses the storage, and comes with no budget.
const CLIENTS: [&str; 4] = ["pvapp", "pvaagent", "shaman", "pstorage-iscsi"];

impl Writer {
    /// An `on` that stops, starts or restarts something.
    pub fn service_block(&mut self) {
        let mds_node = {
            let count = self.cluster.mds_count;
            let place = self.dice.below(count);
            self.cluster.nodes[place].clone()
        };
        let node = self.a_node();
        let order = if self.dice.hits(30) {
            ", mds_master last"
        } else {
            ""
        };
        match self.dice.below(14) {
            0 if self.cluster.is_small => {
                self.line(format!("on mds_nodes serially{order} < restart pstorage-mdsd >"))
            }
            1 => self.line(format!(
                "on cs_nodes - {node} serially, tolerating 1 < restart pstorage-csd >"
            )),
            2 => self.line(format!("on {node} < restart pstorage-csd >")),
            3 => self.line(format!("on {mds_node} < restart pstorage-mdsd pstorage-csd >")),
            4 | 5 => self.stopped_meanwhile(&mds_node, "pstorage-mdsd"),
            6 => self.stopped_meanwhile(&node, "pstorage-csd"),
            7 => self.block(&format!("on {node}"), |writer| {
                writer.forget_node();
                writer.place.has_node = true;
                writer.block("losing pstorage-csd", |writer| writer.body(2));
            }),
            8 => self.line("on all_nodes in parallel < restart pvapp >"),
            9 => self.line("on all_nodes in parallel < status pvapp pvaagent >"),
            10 => self.line(format!("on {node} < stop $clients; start ($clients | reverse) >")),
            11 => self.line(format!("on {node} < leave pvapp stopped \"moved, it's said\" >")),
            12 => self.line(format!(
                "on {mds_node} < require quorum losing=$node spare=1; restart pstorage-mdsd >"
            )),
            _ => self.block(&format!("on {node}"), |writer| {
                writer.forget_node();
                writer.place.has_node = true;
                writer.client_service();
            }),
        }
    }

    /// Declares a service of the runbook's own. What it is told to do leaves a trace, but it runs always.
    pub fn service(&mut self) {
        let name = self.new_name("service");
        let command = self.dice.one_of(&[
            "echo helper $action",
            "test -e /tmp/$action",
            "service vzagent $action",
            "touch /tmp/helper-$action",
        ]);
        let condition = self.condition(1);
        self.block(&format!("service {name}"), |writer| {
            writer.line("on all_nodes");
            writer.line(format!("command \"{command}\""));
            if writer.dice.hits(50) {
                let test = writer
                    .dice
                    .one_of(&["test -x /etc/init.d/pvapp", "test -e /tmp/f1", "true"]);
                writer.line(format!("optional \"{test}\""));
            }
            if writer.dice.hits(50) {
                let budget = writer.dice.one_of(&["1 node", "none", "a minority", "1 rack"]);
                writer.line(format!("may lose {budget}"));
            }
            if writer.dice.hits(40) {
                writer.line(format!("before stop < require ({condition}) >"));
            }
            if writer.dice.hits(40) {
                writer.line("after stop < wait up to 12s until (succeeds \"test -e /tmp/f1\") >");
            }
            if writer.dice.hits(40) {
                writer.line("after start < wait up to 30s until (succeeds \"true\") holding 4s >");
            }
            if writer.dice.hits(30) {
                let needed = writer
                    .dice
                    .one_of(&["pstorage-mdsd", "pstorage-fs here", "pvapp here"]);
                writer.line(format!("needs {needed}"));
            }
        });
        self.services.push(name);
    }

    /// Acts on a service of the runbook's own.
    pub fn own_service(&mut self) {
        if self.services.is_empty() {
            return self.service_block();
        }
        let (service, node) = (self.dice.one_of(&self.services), self.a_node());
        match self.dice.below(5) {
            0 => self.line(format!("on {node} < restart {service} >")),
            1 => self.line(format!("on all_nodes serially < restart {service} >")),
            2 => self.line(format!("on {node} < stop {service}; start {service} >")),
            3 => self.line(format!(
                "on {node} < losing {service} < run \"touch /tmp/f1\" > >"
            )),
            _ => self.line(format!("on all_nodes < status {service} >")),
        }
    }

    fn stopped_meanwhile(&mut self, node: &str, service: &str) {
        let node = node.to_owned();
        self.block(&format!("on {node}"), |writer| {
            writer.place.has_node = true;
            writer.forget_node();
            writer.line(format!("stop {service}"));
            if writer.dice.hits(50) {
                writer.run();
            }
            writer.line(format!("start {service}"));
        });
    }

    /// A service without a budget, on the node in hand.
    pub fn client_service(&mut self) {
        if self.place.is_local {
            return self.note();
        }
        let service = self.dice.one_of(&CLIENTS);
        match self.dice.below(4) {
            0 => self.line(format!("restart {service}")),
            1 => self.line(format!("status {service}")),
            2 => self.line("losing pvapp < run \"touch /tmp/f1\" >"),
            _ => {
                self.line("stop pvapp");
                self.run();
                self.line("start pvapp");
            }
        }
    }

    /// An `outage`.
    pub fn outage(&mut self) {
        if self.place.depth > 0 || !self.cluster.is_small {
            return self.show();
        }
        let name = format!("question-{}", self.questions.len() + 1);
        self.questions.push(name.clone());
        let why = self.template();
        let why = if matches!(why.as_str(), "\"\"" | "\" \"") {
            "\"why\"".to_owned()
        } else {
            why
        };
        self.block(&format!("outage {why} as {name}"), |writer| {
            match writer.dice.below(3) {
                0 => {
                    writer.line("on all_nodes in parallel < stop $clients pstorage-fs >");
                    writer.line("on mds_nodes in parallel < stop pstorage-mdsd >");
                    writer.body(1);
                    writer.line("on mds_nodes in parallel < start pstorage-mdsd >");
                    writer.line("on all_nodes in parallel < start pstorage-fs ($clients | reverse) >");
                }
                1 => writer.line("on all_nodes in parallel < stop $clients; start ($clients | reverse) >"),
                _ => writer.body(2),
            }
        });
    }
}
