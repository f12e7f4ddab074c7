/**
 * The words that texts of errors and notes may show to those who may not see contents: words of programs, machines and files, and those
 * that hold a sentence together. No names, no numbers, and none of the words that make an order.
 */
export const WORDS: ReadonlySet<string> = new Set(
  `
aac abort aborted aborterror aborting about above absent absolute ac accept accepted accepting access accessible account acknowledged acoustic acquire
acquired action active actual adapter add added addr address adds admin adpcm adts after again age ages ago agreed ahead ai aif aifc aiff al alaw all
allocate allocated allocating allocation allocator allowed almost alone already alternate although always ambiguous amend amr an and anew announced
announces another answer answered answers any apart ape api applicable application applied apply april apt archive are args argument arguments argv
around array arrived as asf asia aside ask asked asks assertion assigned async asynchronous at attempts attention attribute attributes au audio audit
audited auditor august authenticate authentication authority authorization autoscaler avi away awb back backend backends backoff backslash backtrace
bad badly bandwidth batch batches be bearer because been before began begin begins begun behind being belong below beside best between beyond bin bind
binding binlog bitrate blob block blocked blocks body bool boolean boot bottom boundary bounds brackets branch break bring broke broker browser buffer
buffers bug build built burst bus busy but by byte bytes ca cache cached caches caf calendar call callback called callmetadata calls came can cancel
cancelled candidate candidates cannot capability capacity capped card cards carry case cases cast catch caught cause caused causes ceil certificate
certs cgroup cgroups chain changed changes channel channels character characters charset check checkpoint checksum checksums child chmod chunk chunked
chunks ci claims cli client clock clocks close closed closes cluster coalesce code codec codecs codes cofi cold collate collection collector colour
column columns come comma command commas committed compared compatible compile compiled compiler complete component compressed compression compute
computed concat concurrency conda condition confidence config configuration configure configured confirmed conflict congestion connect connecting
connection connections connector considered console constraint consumer contain container containers content contention contents context contiguous
continue continues continuing contract control convert converted converting cooldown coordinator copied core cores correct corrupt corrupted could
couldn count country counts cpp cpus crash created creating creation critical csv ctrl ctx cublas cuda cudart cudnn current cut daemon damaged
dashboard data database date day days db dd ddl deadline deadlock dealer debug december decide decimal decimals declares decode decoded decoder
decoding decompress decrease deeper default degraded delay delayed delete deleted deleting delivered demux denied denoise denoised dependency
deprecated depth dequeue derived describe describes description deserialize destination destroyed detail details detect detected device devices
dialogic dict did didn differ different differs digits dimension dimensions dir directory disabled disconnect disconnected discovered disk disposition
distribution dns do docker docs document documents does doesn domain done down download downloaded downloading drain drained driver drivers drop
dropped ds dss dtype dump duplicate duplicates duration during dynamic eac eacces each eaddrinuse eai earlier earliest ebusy econnaborted econnrefused
econnreset edquot eexist effect ehostunreach einval eio eisdir ejected element elements else elsewhere embedded embedding emfile emit empty emsgsize
en enabled encoded encoder encoding encountered end ended endpoint endpoints ends enetunreach engine engines enobufs enoent enomem enospc enotdir
enotfound enough enqueue entity entries entry enum env environ environment eof eperm epipe epoch eproto erofs errno error errors estimating eta
etimedout even event events every everything evicted eviction evidence exact exactly example exceed exceeded exceeding exceeds excel except exception
exceptions exchange exchanged exclude exclusive exec executed execution exhausted exist exists exit exiting expect expected expecting expire expires
exponent export expression extension external extra extract extracted extraction factory fail failed failing failover fails failure failures fallback
false far fatal fault faults fd feature features february feed fetch fetching few ffmpeg fields fifo file filename files filesystem fill fills filter
final finally finals find finish finished first fit fits fixed flac flag flags float floor flow flush flushed flushing flv folder folders follow
followed follows for forbidden force foreign forgets fork form format formats forward found fp fragment frame frames free freed frequency friday from
frozen fs full func function functions garbage gateway gb gc generate generated generating generation generator get gi gib gigabytes give given gives
global go goes gone good got gp gpu gpus grant graph grew group groups grpc gsm guard gzip had handle handler handlers handshake hang hanging hangs
happen hard hardware has hash have header headers health healthy heap heartbeat hedge hedged height held help here hex high higher hint history hit
hold holds host hostname hosts hot hour hours how html http https hz iana id identify identity idle ids if ignored ignoring illegal image immediate
implementation implemented import imports improper in inactive include includes incompatible incomplete inconsistent incorrect increase increment
index indexed indexerror indexes infer inference infinite info init initial initialise initialised initialize initialized initializing inner innodb
inode input inputs insert inserted inside install installation installed installing instance instances instr instruction insufficient int integer
integers integrity interface internal international interrupt interrupted interval into invalid invisible invoke invoked io ioctl ioerror ip ipc is
iso isolation issue it item items iteration its itself ivr january job jobs join joining journal jpeg json judge judged julianday july june jwt kb
kbit keep keeps kept kernel kernels key keyerror keys kib kill killed kind kinds know known knows kubernetes kwargs label labels lack lacks language
large last lasts latency later latest launch launched launching layer layers leak leaked lease least leave leaves left legacy len length lengths less
let letters level levels library libs lid lies limit line lines link list listed listen listener listening lists lite live llama llm load loaded
loader loading loads local lock locked locking locks log logged logger logging logic logits logs long longer look looked looks loop lost low lower ls
machine made main maintenance make makes malformed manifest many map mapped mapping march maria mariadb marked marks mask match matched matching
matrix matroska max maximum may mb md mean meaning meanings means meanwhile mebibytes media mel memcpy memory merge message messages metadata method
mib microsecond middleware migrate migration min minimum minute misheard mismatch missing mixed mka mkdir mkv mmap mode model models modify module
modules monday monitor month months more most mount mounted mov moved mp mpeg mpga ms mts mulaw multi multipart must mutex my mysql na name named
names nan native nccl ndjson nearest nearly need needed needs negative negotiation neither nested network never new newer newest next nil nobody node
nodes noise none nonzero nor norm normal not notation note noted notes notfound nothing november now npm npx nul null num numa number numbers numeric
nvidia object occurred occurs october of off offline offset oga ogg ogx ok old older oldest ollama omit on once ones online only onnx onnxruntime oom
open openai opened openssl operation operations operator opposite ops option optional opus or order orders os oserror other others out outcome
outdated output outputs outrun outside over overflow overload overloaded overrun overwritten own owned owner package packages packed packet page pages
paging panic parallel parameter parameters parse parsed parser parsing part partial partition parts passed password passwords path paths pattern
patterns pause paused pauses payload payloads pcm pdf peer peers pending percent perform performance period permanent permission permissions permitted
person phase phone phones ping pinned pipe pipeline place placed plain platform plugin pocketsphinx pod pods pointer poll polling pool pools port
position posix possible post power pragma predict preempted prefix preload prepared presses previous price primary print printed priority private
privilege privileges probability probe probed probing problem process processed processing processors producer profile program progress project prompt
prompts property protocol prove proves provided provider provision proxied proxy prune pruned prunes public published pull push put python quantity
query question questions queue queued queues quic quit quota quotation quote quoted quotes race ragged ram ran rand range rank rate rates ratio
rationale raw reach reachable reached read readable reader readiness reading reads ready realmedia reason reboot rebooting receive received receiver
receiving recent recogniser recommends recomputed record recorded recorder recorders recording recordings records recover recovered recovering
recovery redirect redis reference refresh refused refuses region register registered registry regular reject rejected rejecting rejects release relied
reload remaining remark remarks remote remove removed removing rename render renewed repeated replace replaced replica reply report reported request
requested requesting requests requeued required rerun resample resampled resampling reserve reserved reset resize resolution resolve resolved resolver
resource resources respond responded responding response responses rest restart restarted restarting restore restored rests result results resume
resumed retention retried retries retry retrying return returned returning reused reverse reviewer revoked rewrites rewritten ring role roles rollback
room root round route router routing row rows rpc rtp rule rules run runner running runs runtime runtimeerror same sample samples sampling saturday
save saw say says scale scheduled scheduler schema scientific scope score scores script scripts sec second seconds secret secs secure security see
seek seem seen segfault segment segmentation segments select semaphore send sending sends sent sentence sentinel separated separator separators
september seq sequence serial serialize serve server servers service services session sessions set sets settings several severity sha shape shapes
shard share shared shares shell shipped ships shm shortened show shown shows shut shutdown shutting side sigabrt sigint sigkill sign signal signature
signs sigsegv sigterm silence silent silero simulation since site size sizes skip skipped slash sleep sln slot slots slow slower snapshot snd so
socket sockets software solver some somebody something soon sound sounds source space spaces speaker speaks special specified speech speex spike spill
split spool spreadsheet spx sq sql sqlite ss ssl stable stack stage stages stale stalled stand standard stands start started starts startup state
statement statements states static status stay stays stderr stdin stdout step still stmt stop stopped stopping stops storage store stored stores
strategy stray stream streaming streams strftime strict string strings structure stt stuck style styles subnet subprocess success successful
successfully such suite sum sunday support supported suspect suspected suspended swap switch symbol sync synchronous syntax system table tag tags tail
take taken takes target task tasks tcp temperature template temporarily temporary tensor tensors terminate terminated terminating termination test
tests text than that the their them then there these they this those thread threads threshold threw throttle throttled throttling through throw thrown
thursday tick tier time timed timeout timer times timestamp timestampdiff tls to token tokens toml tone too took tool toolkit topic torch total totals
trace traceback traces track tracks trade trades traffic trailing transaction transcribe transcribed transcribes transcript transcripts transfer
transferred transient transport triage triaged tried tries trim triton true truncate truncated try trying ts tta ttl tuesday tunnel tuple turn turned
twice type typed typeerror typeof types udp ul ulaw unable unallocated unauthenticated unauthorised unauthorized unavailable unbound uncaught unclear
und undefined under underlying underrun understood undo unexpected unfinished unhandled unhealthy unimplemented uninitialized unique unit units
universal unix unknown unlock unmounted unpack unprocessable unproven unreachable unread unreadable unrecognised unrecognized unregistered unreliable
unsafe unset unspecified unsupported until untrusted unusable unused unusual up updating upgrade upload uploaded uploading upstream ur url urls usable
usage use used user userinfo users uses usual utc utf utilisation utilization utterance utterances uuid vad valid validate value valueerror values
variable variables variant vector verb verbatim verbose verdict verdicts verification verified verify verifying version viewer violates virtual
visible vllm vocabulary voice volume volumes vorbis vram wait waiting wal warm warmup warning warnings was watchdog watched wav wave wavpack way weak
web webm wednesday weight weights well went were what when where whether which whichever while who whole whose why width window with withheld within
without wma words work workbook worked worker working workload workspace would wouldn wrapper write writer writers writes writing written wrong wv xid
xls xlsx xml yaml year years yet you your yours yyyy zero zeros zip zone
`.split(/\s+/),
);
