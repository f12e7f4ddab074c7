/**
 * Which recordings are read. ffmpeg opens every format that holds sound in one file. What it may not open: playlists, scripts,
 * sequences of pictures and whatever else can name other files and hosts, devices, texts, and music that is made while it plays.
 */

interface Family {
  /** As people call them. */
  names: string;
  /** As ffmpeg does. */
  demuxers: string;
  /** How the names of such files end. */
  extensions: string;
}

/** What call recorders, exchanges, telephones and studios write, and then all the rest. */
const FAMILIES: readonly Family[] = [
  {
    names: "WAV (also RF64, Wave64, with any codec), AIFF, CAF, AU, VOC, SoX, NIST SPHERE",
    demuxers: "wav,w64,aiff,caf,au,voc,sox,nistsphere,ircam,paf,epaf,pvf,avr,nsp,sds,sdx,wve,hcom,iff,xwma",
    extensions: "wav wave bwf rf64 w64 aif aiff aifc caf au snd voc sox sph nist sf ircam pvf avr",
  },
  {
    names: "MP3, MP2, AAC, AC-3, E-AC-3, DTS, TrueHD, FLAC, WavPack, TTA, Monkey's Audio",
    demuxers:
      "mp3,aac,loas,ac3,eac3,dts,dtshd,truehd,mlp,flac,wv,tta,ape,tak,shn,mpc,mpc8,spdif,s337m,oma,aea,vqf,dsf,wsd,sbc",
    extensions:
      "mp3 mp2 mpga mpa aac adts latm loas ac3 ec3 eac3 dts dtshd thd mlp flac wv tta ape tak shn mpc oma sbc msbc",
  },
  {
    names:
      "Ogg (Opus, Vorbis, Speex, FLAC), Matroska, WebM, MP4, M4A, 3GP, MOV, ASF, WMA, AVI, MPEG-TS, MPEG-PS, FLV, RealMedia",
    demuxers:
      "ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,asf,asf_o,avi,mpegts,mpegtsraw,mpeg,flv,live_flv,kux,rm,ivr,nut,wtv,nsv,nuv,dv,mxf,gxf,lxf,swf,dhav,ty,pva,vivo,xmv,ifv,luodat,iv8,smjpeg",
    extensions:
      "ogg oga opus spx ogx mka mkv webm mp4 m4a m4b mov 3gp 3g2 wma asf avi ts mts m2ts mpg mpeg vob flv f4v rm ra nut wtv mxf gxf",
  },
  {
    names: "AMR, AMR-WB, GSM, G.723.1, G.729, iLBC, QCELP, EVRC, Codec 2, DSS",
    demuxers:
      "amr,amrnb,amrwb,gsm,g722,g723_1,g726,g726le,g729,bit,ilbc,qcp,act,dss,codec2,codec2raw,aptx,aptx_hd,dfpwm,sln",
    extensions: "amr awb gsm g729 g723 g723_1 tco rco ilbc lbc qcp c2 dss ds2 aptx aptxhd dfpwm rso",
  },
  {
    names: "and formats of games and consoles",
    demuxers:
      "3dostr,4xm,aa,aax,ace,acm,adp,ads,adx,afc,aix,alp,apac,apc,apm,argo_asf,argo_brp,argo_cvg,ast,avs,bethsoftvid,bfi,bfstm,bink,binka,bmv,boa,bonk,brstm,c93,dcstr,derf,dsicin,dxa,ea,film_cpk,fsb,fwse,genh,hca,hnm,idcin,ipmovie,iss,jv,kvag,laf,lmlm4,lvf,mca,mgsts,mm,mmf,mods,moflex,msf,mtaf,mtv,musx,mv,mvi,osq,pmp,pp_bnk,psxstr,qoa,redspark,rka,rl2,roq,rpl,rsd,rso,scd,sdns,sga,siff,smk,smush,sol,svag,svs,thp,tiertexseq,tmv,txd,usm,vag,vividas,vmd,vpk,wady,wc3movie,wsaud,wsvqa,xa,xmd,xvag,yop,daud",
    extensions: "",
  },
];

/** What ffmpeg may open, for its option `format_whitelist`. */
export const DEMUXERS = FAMILIES.map(({ demuxers }) => demuxers).join();

/** What is read, as a part of a sentence. */
export const READ_FORMATS = FAMILIES.map(({ names }) => names).join(", ");

/** How the names of recordings end that have a header, in lower case and without the point. */
export const FORMAT_EXTENSIONS: readonly string[] = FAMILIES.flatMap(({ extensions }) => extensions.split(" ")).filter(
  Boolean,
);
