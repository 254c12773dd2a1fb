# unit.tcl UNIT RECORDS PORT LARGE [NAME...]: runs one unit of Redis's test-suite, in this process, without the tests
# NAME; with those that want much memory if LARGE is 1.
# Started by `run` in a fresh copy of the suite. It keeps the suite's own code and adds two things: encodings that are
# 8.0's (assert_encoding), and that a failure stays where it happens. The suite gives up a unit at the first unknown
# command; here only the test fails, on a connection that is fresh for the next one. What fails in a server that a test
# has started for itself fails that test. What happens is written to RECORDS, a line each: status, tab, text in base64.
lassign $argv ::unit records port large
set hung [lrange $argv 4 end]
set ::records_channel [open $records a]

# The suite's own start, all but its last statement, which would fork test clients. "--durable" makes an exception
# inside a test a failure of that test; "--clients 1" runs in place what else is sent to an idle client.
set argv [list --durable --clients 1 --baseport $port --portcount 500 --config pidfile redis.pid]
set file [open tests/test_helper.tcl]
set helper [read $file]
close $file
set tail [string first "\nif {\$::client} {" $helper]
if {$tail < 0} { error "tests/test_helper.tcl does not end as it did in 7.0.15" }
eval [string range $helper 0 $tail]
set ::skiptests $hung
set ::large_memory $large
set ::test_server_fd ""

# The suite's own server, which tells its test clients what to run, listens on a port. A test wants one that is taken.
set ::test_server_port [lindex [fconfigure [socket -server {apply {{channel host port} {close $channel}}} -myaddr 127.0.0.1 0] -sockname] 2]

proc send_data_packet {fd status data {elapsed 0}} {
    puts $::records_channel "$status\t[binary encode base64 [encoding convertto utf-8 $data]]"
    flush $::records_channel
}

# Runs a block of a unit statement by statement, so that one which fails between two tests does not take the rest along.
proc run_block {code} {
    set statement ""
    foreach line [split $code "\n"] {
        append statement $line "\n"
        if {![info complete $statement]} continue
        set status [catch {uplevel 1 $statement} result options]
        if {$status == 1} {
            send_data_packet "" exception "$result\nin: [string trim $statement]"
            freshen_clients {0 0}
        } elseif {$status != 0} {
            return -options $options $result
        }
        set statement ""
    }
    if {[string trim $statement] ne ""} { send_data_packet "" exception "the block ends within a statement" }
}

# The modes in which the current client reads: replies raw or not, deferred or not.
proc client_modes {} {
    if {[catch {srv 0 client} handle]} { return {0 0} }
    set id [string range $handle [string length ::redis::redisHandle] end]
    if {[catch {list $::redis::readraw($id) $::redis::deferred($id)} modes]} { return {0 0} }
    return $modes
}

# A failed test leaves unread replies, an open MULTI, another database. Each server's client gets a new connection under
# its old name (tests keep the names); the innermost reads in the given modes, as it did before the test.
proc freshen_clients {modes} {
    foreach server $::servers {
        if {[catch {dict get $server client} handle]} continue
        set id [string range $handle [string length ::redis::redisHandle] end]
        catch {close $::redis::fd($id)}
        set ::redis::fd($id) {}
        set ::redis::readraw($id) 0
        set ::redis::deferred($id) 0
        set ::redis::blocking($id) 1
        ::redis::redis_reset_state $id
        catch {$handle select 9}
    }
    if {[info exists id]} { lassign $modes ::redis::readraw($id) ::redis::deferred($id) }
}

# After a failed test its lines that put the server back are run, which it may not have reached: the next test counts
# on them. They stand in the order of the test, so the last one holds.
proc tidy_up {code} {
    foreach line [split $code "\n"] {
        if {[regexp {^\s*r (flushdb|flushall|config set|debug set-active-expire)\M} $line] && [info complete $line]} {
            catch {uplevel 2 $line}
        }
    }
}

# Redis 8.0 has a listpack for small lists and sets, where 7.0 had a quicklist or a hashtable: a test that wants one of
# those is run with either. (Where 8.0 changes from one to the other is held by our transcripts.)
rename assert_encoding suite_assert_encoding
proc assert_encoding {encoding key} {
    array set since {list quicklist set hashtable}
    set type [r type $key]
    if {[info exists since($type)] && $since($type) eq $encoding && [r object encoding $key] eq "listpack"} return
    uplevel 1 [list suite_assert_encoding $encoding $key]
}

# So many tests are in course: one, or none.
set ::tests_in_course 0

rename test suite_test
proc test {name code args} {
    set modes [client_modes]
    set failed $::num_failed
    set tags $::tags
    incr ::tests_in_course
    uplevel 1 [list suite_test $name $code {*}$args]
    incr ::tests_in_course -1
    if {$::num_failed > $failed} {
        # A server within the test has left them.
        set ::tags $tags
        freshen_clients {0 0}
        tidy_up $code
        freshen_clients $modes
    }
}

# Within a test a server's block is run as it stands. The suite would record what is no assertion and go on with the test,
# which would then pass: so all that goes wrong is made an assertion.
proc run_in_test {code} {
    set status [catch {uplevel 1 $code} result options]
    if {$status == 1 && ![string match "assertion:*" $result]} {
        return -code error -errorinfo [dict get $options -errorinfo] "assertion:$result"
    }
    return -options $options $result
}

rename start_server suite_start_server
proc start_server {options {code undefined}} {
    if {$code ne "undefined"} { set code [list [expr {$::tests_in_course ? "run_in_test" : "run_block"}] $code] }
    uplevel 1 [list suite_start_server $options $code]
}

# The suite reports a server that does not start and goes on.
rename start_server_error suite_start_server_error
proc start_server_error {config_file error} {
    if {$::tests_in_course} { error "assertion:can't start the server: [string trim $error]" }
    suite_start_server_error $config_file $error
}

rename tags suite_tags
proc tags {tags code} { uplevel 1 [list suite_tags $tags [list run_block $code]] }

proc run_unit {} {
    set ::curfile tests/$::unit.tcl
    set file [open $::curfile]
    run_block [read $file]
}
run_unit
send_data_packet "" done $::unit
